"""`vedette hunt`: what in the past has to do with a host, an address, a program, a hash or a phrase."""

import heapq
import json
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text
from vedette_indicators import IndicatorTable, IndicatorType, RefusedError
from vedette_schemas import Observation, SettingsError, Stream

from .asking import moment
from .deployment import read_host
from .lines import Row, plain, print_rows, stamp

if TYPE_CHECKING:
    from vedette_archive.walking import Walk
    from vedette_indicators.observed import Hit

EXIT_CODES = "Exit code 0: something was found; 1: nothing was; 2: nothing could be searched for."

_NOTHING = 1


class Found(NamedTuple):
    """An observation that hits what was asked for, by what and where."""

    seen: Observation
    received_at: datetime
    host: str
    stream: Stream
    number: int
    hits: "list[Hit]"


def hunt(
    expression: Annotated[
        str,
        typer.Argument(
            help="A URL, host, address, network, program, path, hash or phrase.", show_default=False
        ),
    ],
    since: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="What came since: 90m, 12h, 7d ago, or 2026-11-30.", show_default=False
        ),
    ] = "",
    host: Annotated[str, typer.Option(help="What came from this host.", show_default=False)] = "",
    as_: Annotated[
        IndicatorType | None,
        typer.Option("--as", help="What the expression is, where its looks mislead.", show_default=False),
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=1_000_000, help="Show so many, the newest.")] = 200,
    folder: Annotated[Path, typer.Option(help="The folder of 'vedette up', or an archive.")] = Path("run"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """Search the archive for something as if it had been on a list.

    A host is found with all below it, a URL however it was written. Nothing is alerted or done.
    """
    table = _table_of(expression, as_)
    from vedette_archive.walking import Walk  # noqa: PLC0415 (takes as long as all else here)
    from vedette_indicators.observed import KINDS  # noqa: PLC0415

    archive = folder if folder.is_file() else folder / "archive.db"
    begin = moment(since, datetime.now(UTC), "--since") if since else None
    of_host = read_host(host) if host else None
    with Walk(archive, KINDS, begin, host=of_host) as walk, _progress(walk.total) as step:
        found, more = newest(search(walk, table, step), most)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(each) for each in found]) + "\n")
    elif found:
        print_rows(map(_row, found))
    else:
        sys.stdout.write("nothing of it is in the archive\n")
    if more:
        sys.stderr.write(f"vedette: {more:,} older ones are not shown: see --most and --since\n")
    if not found:
        raise typer.Exit(_NOTHING)


def search(walk: "Walk", table: IndicatorTable, step: Callable[[int], None]) -> Iterator[Found]:
    """Yield what hits; `step` is told of how many observations were looked at since."""
    from vedette_indicators.observed import hits  # noqa: PLC0415

    for page in walk.pages():
        for row in page.rows:
            seen = row.observation()
            found = [] if seen is None else list(hits(table, seen))
            if seen is not None and found:
                yield Found(seen, row.received_at, page.host, page.stream, row.number, found)
        step(len(page.rows))


def newest(found: Iterator[Found], most: int) -> tuple[list[Found], int]:
    """Return those that were seen last, newest first, and how many more there are."""
    kept: list[tuple[datetime, int, Found]] = []
    more = 0
    for number, each in enumerate(found):
        item = each.seen.seen_at, number, each
        if len(kept) < most:
            heapq.heappush(kept, item)
        else:
            heapq.heappushpop(kept, item)
            more += 1
    return [each for _, _, each in sorted(kept, reverse=True)], more


def _table_of(expression: str, as_: IndicatorType | None) -> IndicatorTable:
    from vedette_indicators.asking import asked_for  # noqa: PLC0415

    try:
        return IndicatorTable(asked_for(expression, as_))
    except RefusedError as error:
        raise SettingsError(f"{plain(expression, 60)!r} can't be searched for: {error}") from None


@contextmanager
def _progress(total: int) -> Generator[Callable[[int], None]]:
    """Show how far it is, on a terminal; give what tells it."""
    screen = Console(stderr=True)
    columns = TextColumn("searching"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as shown:
        task = shown.add_task("", total=total)
        yield lambda looked_at: shown.advance(task, looked_at)


def _row(each: Found) -> Row:
    match, _ = each.hits[0]
    text = Text(f"{plain(each.host, 63)}: ", "bold").append(plain(_what(each.seen)), "not bold")
    text.append(f"  hit by {plain(match.subject)}", "not bold dim")
    return Text(stamp(each.seen.seen_at)), Text(each.seen.kind), text


def _what(seen: Observation) -> str:
    """Return what was seen, for people; of a copied text nothing but what hit is ever shown."""
    match seen.kind:
        case "window":
            return seen.title
        case "process" | "program":
            return seen.process.executable
        case "connection":
            name = f" ({seen.host})" if seen.host else ""
            return f"{seen.address} port {seen.port}{name}"
        case _:
            return ""


def _as_json(found: Found) -> dict[str, object]:
    seen = found.seen
    return {
        "seen_at": seen.seen_at.isoformat(),
        "received_at": found.received_at.isoformat(),
        "host": found.host,
        "kind": seen.kind,
        "what": _what(seen),
        "hits": [
            {
                "type": match.indicator.type,
                "value": match.indicator.value,
                "subject": match.subject,
                "where": where,
            }
            for match, where in found.hits
        ],
        "origin": {**found.stream._asdict(), "number": found.number},
    }
