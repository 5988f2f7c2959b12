"""`vedette audit`: what operators and programs did, and whether that is as it was written down."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer
from rich.text import Text
from vedette_schemas import SettingsError, VedetteError

from .asking import Since, Until, moment
from .chains import NOT_HERE, Book, Chain, Row, merged, noted_heads, opened, places
from .lines import count, host_name, plain, print_rows, stamp
from .orders import RUN, Folder

if TYPE_CHECKING:
    from vedette_archive import AuditRow, Verified

MOST_SHOWN = 10_000
_WRONG, _NOT_READ = 1, 2
_T = TypeVar("_T")

audit = typer.Typer(help="What operators and programs did.", invoke_without_command=True)

_BOOK_HELP = "One chain alone: the analyzer's, the web console's, the CA's."
OneBook = Annotated[Book | None, typer.Option(help=_BOOK_HELP)]
CaFolder = Annotated[
    Path | None,
    typer.Option("--ca", metavar="FOLDER", envvar="VEDETTE_CA", help="The CA's, if it is elsewhere."),
]
SameFolder = Annotated[Path | None, typer.Option("--folder", help="As above.")]


class _Where(NamedTuple):
    """Which chains are meant."""

    folder: Path
    book: Book | None
    ca: Path | None

    def files(self) -> Mapping[Book, Path | None]:
        """Return the file of each, `None` where nothing names it; raise `SettingsError` if none is here."""
        found = places(self.folder, self.ca)
        if self.book is None:
            return {book: found.get(book) for book in Book}
        if self.book not in found:
            raise SettingsError(f"{self.book}: {NOT_HERE}: name its folder with --folder or --ca")
        return {self.book: found[self.book]}


@audit.callback()
def show_all(
    context: typer.Context,
    folder: Folder = RUN,
    since: Since = "",
    until: Until = "",
    who: Annotated[str, typer.Option(help="operator@anna, analyzer@0, enforcer@host-7.")] = "",
    what: Annotated[
        str, typer.Option(help="act, command, ended, or exactly: act.undo, command.block, ended.failed.")
    ] = "",
    host: Annotated[str, typer.Option(help="What was done on this host.")] = "",
    *,
    about: Annotated[
        str, typer.Option(metavar="ID", help="What was done about it, by the beginning of its id.")
    ] = "",
    text: Annotated[str, typer.Option(help="What its words hold.")] = "",
    last: Annotated[int, typer.Option(min=1, max=MOST_SHOWN, help="How many, the newest last.")] = 50,
    book: OneBook = None,
    ca: CaFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Rows as JSON lines.")] = False,
) -> None:
    """List what operators and programs did, the newest last, of all chains that are here.

    What the analyzer did and was asked to do is in the archive; who signed in and changed accounts is with
    the web console, and who may join and joined is with the CA.
    """
    context.obj = where = _Where(folder, book, ca)
    if context.invoked_subcommand is not None:
        return
    from vedette_archive import AuditQuery  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    now = datetime.now(UTC)
    query = AuditQuery(
        since=moment(since, now, "--since") if since else None,
        until=moment(until, now, "--until") if until else None,
        who=who or None,
        what=what or None,
        host=host or None,
        about=about or None,
        text=text or None,
    )
    read, unread = _each(where.files(), lambda _, chain: chain.rows(query, last))
    found = merged(read, last)
    if as_json:
        sys.stdout.writelines(json.dumps(as_fields(*one)) + "\n" for one in found)
    elif not found:
        sys.stdout.write("no such row\n")
    else:
        _show(found)
    sys.stdout.flush()
    sys.stderr.writelines(f"vedette: {each}: {plain(why, 500)}\n" for each, why in unread.items())
    _leave_if_not_read(unread)


@audit.command()
def verify(
    context: typer.Context,
    folder: SameFolder = None,
    heads: Annotated[
        list[str] | None,
        typer.Option(
            "--head", metavar="BOOK:NUMBER:HASH", help="A head that was noted elsewhere; repeatable."
        ),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A backup, or another archive than the folder's.")
    ] = None,
    book: OneBook = None,
    ca: CaFolder = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each chain.")] = False,
) -> None:
    """Find rows that were changed, taken out, put in or moved, in all chains that are here.

    Leave with 1 where there are any, with 2 where a chain can't be read. Who can write a chain's file can
    write all of it anew. A head that was noted elsewhere shows that: this command tells one of each chain,
    and each heartbeat of the analyzer that of the archive.
    """
    noted = noted_heads(heads or ())
    above: _Where = context.obj
    where = _Where(folder or above.folder, book or above.book, ca or above.ca)
    files = {Book.NETWORK: archive} if archive else where.files()
    for each in noted:
        if files.get(each) is None:
            raise SettingsError(f"--head {each}:…: that chain is {NOT_HERE}, or not asked for")
    read, unread = _each(files, lambda each, chain: chain.verify(noted.get(each, ())))
    for each in files:
        told = _json_line if as_json else _lines
        sys.stdout.writelines(told(each, read.get(each), unread))
    if any(found.faults for found in read.values()):
        raise typer.Exit(_WRONG)
    _leave_if_not_read(unread)


def _leave_if_not_read(unread: Mapping[Book, str]) -> None:
    if any(why != NOT_HERE for why in unread.values()):
        raise typer.Exit(_NOT_READ)


def _each(
    files: Mapping[Book, Path | None], ask: Callable[[Book, Chain], _T]
) -> tuple[dict[Book, _T], dict[Book, str]]:
    """Ask each chain; return what those say that can be read, and of the others why they can't."""
    read: dict[Book, _T] = {}
    unread: dict[Book, str] = {}
    for book, path in files.items():
        if path is None:
            unread[book] = NOT_HERE
            continue
        try:
            with opened(book, path) as chain:
                read[book] = ask(book, chain)
        except VedetteError as error:
            unread[book] = str(error)
    return read, unread


def _show(found: Sequence[Row]) -> None:
    """Print rows for people: beside each number when, who, what and on which host, and the words."""
    sys.stdout.write(f"times are in {datetime.now().astimezone():%Z}\n")
    sys.stdout.flush()
    names = [Text(f"{book} {row.number}") for book, row in found]
    print_rows(zip(names, map(_text, found), strict=True), widths=[max(map(len, names))])


def _text(of: Row) -> Text:
    row = of.row
    text = Text(f"{stamp(row.at)}  {plain(row.who, 120)}  ").append(plain(row.what, 120), "bold")
    host = f"  {host_name(row.host)}" if row.host else ""
    return text.append(f"{host}: {plain(row.words, 1_000)}")


def as_fields(book: Book, row: "AuditRow") -> dict[str, object]:
    """Return a row for machines."""
    return {
        "book": book,
        "number": row.number,
        "at": row.at.isoformat(),
        "who": row.who,
        "what": row.what,
        "host": row.host,
        "about": row.about,
        "words": row.words,
        "facts": row.facts,
        "hash": row.hash,
    }


def _lines(book: Book, found: "Verified | None", unread: Mapping[Book, str]) -> list[str]:
    """Return what came of a chain, for people."""
    if found is None:
        return [f"{book}: {plain(unread[book], 500)}\n"]
    if found.faults:
        return [f"{book}: {plain(fault.words, 500)}\n" for fault in found.faults]
    old = f", {count(found.cut, 'older one')} removed" if found.cut else ""
    return [f"{book}: {count(found.rows, 'row')}, all as they were written{old}; head {book}:{found.head}\n"]


def _json_line(book: Book, found: "Verified | None", unread: Mapping[Book, str]) -> list[str]:
    """Return what came of a chain, for machines."""
    told: dict[str, object] = {"book": book}
    if found is None:
        told["unread"] = unread[book]
    else:
        wrong = [{"row": fault.number, "words": fault.words} for fault in found.faults]
        told |= {"rows": found.rows, "cut": found.cut, "head": f"{book}:{found.head}", "wrong": wrong}
    return [json.dumps(told) + "\n"]
