"""`vedette report`: what a day was like."""

import io
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from vedette_schemas import SettingsError

from .acting import OperatorSettings
from .lines import plain
from .orders import RUN, Folder, open_archive
from .private import new_file
from .report import Report, as_fields, gather, rendered

_WIDTH = 110
_FIRST, _LAST = date(2000, 1, 2), date(2099, 12, 30)
"""Days of our century, wherever we are."""


def report(
    folder: Folder = RUN,
    day: Annotated[str, typer.Option(metavar="DATE", help="2026-11-21, today or yesterday.")] = "today",
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write one page instead, which needs nothing else.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Tell what a day was like: alerts, incidents, what was done and by whom. It reads the archive."""
    from vedette_archive import History  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    wanted = read_day(day)
    archive, now = OperatorSettings.of(folder).archive, datetime.now(UTC)
    with open_archive(archive) as reader, History(archive) as history:
        found = gather(reader, history, wanted)
    if html is not None:
        with new_file(html) as new:
            new.write(page(found, now).encode("utf-8", "replace"))
        sys.stdout.write(f"{plain(str(html), 1_000)}: written\n")
    elif as_json:
        sys.stdout.write(json.dumps(as_fields(found)) + "\n")
    else:
        Console(highlight=False, soft_wrap=False).print(rendered(found, now))


def read_day(text: str) -> date:
    """Read a day; raise `SettingsError` on what is none, or not of our century."""
    named = {"today": 0, "yesterday": 1}.get(text.strip().lower())
    if named is not None:
        return datetime.now().astimezone().date() - timedelta(days=named)
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= _LAST:
        raise SettingsError(f"--day {plain(text, 40)!r}: give a date: 2026-11-21, today or yesterday")
    return found


def page(found: Report, now: datetime) -> str:
    """Return a report as one HTML page: with its styles in it, and without scripts."""
    screen = Console(record=True, file=io.StringIO(), width=_WIDTH, highlight=False, color_system="truecolor")
    screen.print(rendered(found, now))
    return screen.export_html(inline_styles=True)
