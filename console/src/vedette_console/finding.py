"""`vedette search` and `vedette export`: what is in the archive, by the same filters."""

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text
from vedette_schemas import SettingsError

from .acting import OperatorSettings
from .asking import (
    Detectors,
    Hosts,
    Indicators,
    Kinds,
    Observations,
    Severities,
    Since,
    Until,
    WhatText,
    query_of,
)
from .exporting import (
    OF_ALERTS,
    OF_OBSERVATIONS,
    Format,
    records,
    write_csv,
    write_lines,
    write_xlsx,
)
from .lines import Row, alert_row, host_name, plain, print_rows, stamp
from .orders import RUN, Folder
from .private import new_file

if TYPE_CHECKING:
    from vedette_archive import ArchivedObservation, Page, Query


def search(
    *,
    text: WhatText = "",
    since: Since = "",
    until: Until = "",
    host: Hosts = None,
    kind: Kinds = None,
    severity: Severities = None,
    detector: Detectors = None,
    indicator: Indicators = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 100,
    folder: Folder = RUN,
    observations: Observations = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
) -> None:
    """Search the archive: alerts, or observations, newest first. It may be in use meanwhile."""
    from vedette_archive import History  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    query = query_of(locals())
    left, more = limit, False
    with History(OperatorSettings.of(folder).archive) as history, _until_closed():
        after: str | None = None
        found: list[Page] = []
        while left:
            page = history.search(query, after, min(left, 1_000))
            left -= len(page.alerts) + len(page.observations)
            after, more = page.next, page.next is not None
            if as_json:
                sys.stdout.writelines(json.dumps(record) + "\n" for record in records(page))
            else:
                found.append(page)
            if after is None:
                break
        if not as_json:
            _show(found, limit if more else 0)


def export(
    file: Annotated[str, typer.Argument(help="Where it goes; - is standard output.")] = "-",
    *,
    text: WhatText = "",
    since: Since = "",
    until: Until = "",
    host: Hosts = None,
    kind: Kinds = None,
    severity: Severities = None,
    detector: Detectors = None,
    indicator: Indicators = None,
    folder: Folder = RUN,
    observations: Observations = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="A table; else the file's name says what.")] = False,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="A JSON object a line, with everything.")] = False,
    as_xlsx: Annotated[bool, typer.Option("--xlsx", help="An Excel workbook.")] = False,
) -> None:
    """Write all that a search finds into a file, as of one moment: CSV, JSON lines or Excel.

    The file is whole or not there, and its owner's alone. What begins like a formula is made text.
    """
    from vedette_archive import History  # noqa: PLC0415

    query = query_of(locals())
    wanted = _format(file, {Format.CSV: as_csv, Format.JSONL: as_lines, Format.XLSX: as_xlsx})
    columns = OF_OBSERVATIONS if observations else OF_ALERTS
    with (
        History(OperatorSettings.of(folder).archive) as history,
        closing(history.pages(query)) as found,
        _until_closed(),
    ):
        if file == "-":
            pages = found if sys.stdout.isatty() else _shown(found, query)  # one terminal: rows alone
            _write(pages, wanted, columns, sys.stdout.buffer)
            return
        pages, count = _counted(_shown(found, query))
        with new_file(Path(file)) as new:
            _write(pages, wanted, columns, new)
    sys.stdout.write(f"{plain(file, 1_000)}: {count():,} {query.events}\n")


def _format(file: str, asked: dict[Format, bool]) -> Format:
    chosen = [each for each, is_asked in asked.items() if is_asked]
    ending = Path(file).suffix.removeprefix(".").lower()
    if len(chosen) > 1:
        raise SettingsError(f"--{chosen[0]} and --{chosen[1]}: choose one")
    if chosen:
        return chosen[0]
    if ending not in list(Format):
        raise SettingsError("say what to write: --csv, --jsonl or --xlsx, or name a file that ends like that")
    return Format(ending)


def _write(pages: Iterable["Page"], wanted: Format, columns: tuple[str, ...], file: IO[bytes]) -> None:
    if wanted is Format.XLSX:
        with tempfile.TemporaryFile() as whole:  # a workbook is not written from front to back
            write_xlsx(pages, columns, whole)
            whole.seek(0)
            shutil.copyfileobj(whole, file)
        return
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
    try:
        if wanted is Format.CSV:
            text.write(
                "\N{ZERO WIDTH NO-BREAK SPACE}"
            )  # Excel takes a table without it for its own code page
            write_csv(pages, columns, text)
        else:
            write_lines(pages, text)
    finally:
        text.flush()
        text.detach()


@contextmanager
def _until_closed() -> Generator[None]:
    """End without a word where who reads our output has gone."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
        raise typer.Exit(0) from None


def _counted(pages: Iterable["Page"]) -> tuple[Iterator["Page"], Callable[[], int]]:
    total = 0

    def counting() -> Iterator["Page"]:
        nonlocal total
        for page in pages:
            total += len(page.alerts) + len(page.observations)
            yield page

    return counting(), lambda: total


def _shown(pages: Iterator["Page"], query: "Query") -> Iterator["Page"]:
    """Show how far back it has come, on a terminal, and how many there were."""
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    newest: datetime | None = None
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("exporting", total=None)
        for page in pages:
            newest = newest or page.reached
            if newest and page.reached and query.since:
                whole = max(1.0, (newest - query.since).total_seconds())
                bar.update(task, total=whole, completed=(newest - page.reached).total_seconds())
            if page.reached:
                bar.update(task, description=f"back to {page.reached.astimezone():%Y-%m-%d %H:%M}")
            yield page


def _show(pages: list["Page"], more_than: int) -> None:
    count = 0
    for page in pages:
        print_rows(alert_row(alert, in_full=True) for alert in page.alerts)
        print_rows(map(_row_of_observation, page.observations))
        count += len(page.alerts) + len(page.observations)
    if not count:
        sys.stdout.write("nothing was found\n")
    elif more_than:
        sys.stdout.write(f"there may be more: these are the newest {count:,} (--limit)\n")


def _row_of_observation(each: "ArchivedObservation") -> Row:
    host = host_name(each.stream.principal.rpartition("@")[2])
    what = Text(f"{host}: ", "bold").append(_said(each), "not bold")
    return Text(stamp(each.received_at)), Text(each.stream.kind), what


def _said(each: "ArchivedObservation") -> str:
    """Return what an observation is about."""
    fields = each.fields()
    process = cast("dict[str, object]", fields.get("process") or {})
    port = f":{fields['port']}" if "port" in fields else ""
    parts = [
        fields.get("title"),
        fields.get("text"),
        fields.get("host"),
        fields.get("address"),
        fields.get("reason"),
    ]
    words = " ".join(str(part) for part in parts if part) + port
    program = process.get("executable")
    return plain(f"{words}  {program}".strip() if program else words, 300)
