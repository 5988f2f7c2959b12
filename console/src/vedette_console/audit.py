"""`vedette audit`: what operators and programs did, and whether that is as it was written down."""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import SettingsError

from .acting import OperatorSettings
from .lines import plain
from .orders import RUN, Folder, open_archive

if TYPE_CHECKING:
    from vedette_archive import AuditRow, Reader, Verified

MOST_SHOWN = 10_000
_WRONG = 1

audit = typer.Typer(help="What operators and programs did.", invoke_without_command=True)

SameFolder = Annotated[Path | None, typer.Option("--folder", help="As above.")]


@audit.callback()
def show_all(
    context: typer.Context,
    folder: Folder = RUN,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From then on: 2026-11-21, 2026-11-21T12:00.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Before then.")] = "",
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
    as_json: Annotated[bool, typer.Option("--json", help="Rows as JSON lines.")] = False,
) -> None:
    """List what operators and programs did, the newest last: acts and their answers, commands, their ends."""
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    from vedette_archive import AuditQuery  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    query = AuditQuery(
        since=read_time(since, "--since") if since else None,
        until=read_time(until, "--until") if until else None,
        who=who or None,
        what=what or None,
        host=host or None,
        about=about or None,
        text=text or None,
    )
    with _opened(folder) as reader:
        found = reader.audit.rows(query, last)[::-1]
    if as_json:
        sys.stdout.writelines(json.dumps(as_fields(row)) + "\n" for row in found)
    elif not found:
        sys.stdout.write("no such row\n")
    else:
        Console(highlight=False, soft_wrap=False).print(table(found))


@audit.command()
def verify(
    context: typer.Context,
    folder: SameFolder = None,
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", metavar="NUMBER:HASH", help="A head that was noted elsewhere; repeatable."),
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A backup, or another archive than the folder's.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON object.")] = False,
) -> None:
    """Find rows that were changed, taken out, put in or moved. Leave with 1 where there are any.

    Who can write the archive's file can write the whole chain anew. A head that was noted elsewhere shows
    that: this command tells one, and so does each heartbeat of the analyzer.
    """
    from vedette_archive import Head  # noqa: PLC0415

    noted = [Head.parse(each) for each in heads or ()]
    with open_archive(archive) if archive else _opened(folder or context.obj) as reader:
        found = reader.audit.verify(noted)
    if as_json:
        told = {"rows": found.rows, "cut": found.cut, "head": str(found.head), "wrong": _wrong(found)}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.writelines(plain(fault.words, 500) + "\n" for fault in found.faults)
        if not found.faults:
            sys.stdout.write(_summary(found))
    if found.faults:
        raise typer.Exit(_WRONG)


def table(rows: "Iterable[AuditRow]") -> Table:
    """Return rows for people."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column("row", justify="right", no_wrap=True)
    grid.add_column("at", no_wrap=True)
    for name in ("who", "what", "host"):
        grid.add_column(name, overflow="fold")
    grid.add_column("words", overflow="fold", ratio=1)
    for row in rows:
        grid.add_row(
            str(row.number),
            f"{row.at.astimezone():%Y-%m-%d %H:%M:%S}",
            *(Text(plain(text, 120)) for text in (row.who, row.what, row.host)),
            Text(plain(row.words, 1_000)),
        )
    return grid


def as_fields(row: "AuditRow") -> dict[str, object]:
    """Return a row for machines."""
    return {
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


def read_time(text: str, option: str) -> datetime:
    """Read a date or a time, of our time zone unless it says otherwise; raise `SettingsError`."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise SettingsError(
            f"{option} {plain(text, 40)!r}: give a day or a time: 2026-11-21, 2026-11-21T12:00"
        ) from None


def _opened(folder: Path) -> "Reader":
    return open_archive(OperatorSettings.of(folder).archive)


def _wrong(found: "Verified") -> list[dict[str, object]]:
    return [{"row": fault.number, "words": fault.words} for fault in found.faults]


def _summary(found: "Verified") -> str:
    old = f", {found.cut:,} older ones were removed" if found.cut else ""
    return f"all is well: {found.rows:,} rows{old}\nhead: {found.head}\n"
