"""`vedette report`: what a day was like."""

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
from .report import as_fields, gather, rendered

_FIRST, _LAST = date(2000, 1, 2), date(2099, 12, 30)
"""Days of our century, wherever we are."""


def report(
    folder: Folder = RUN,
    day: Annotated[
        str, typer.Option(metavar="DATE", help="2026-11-21, today or yesterday, by this machine's clock.")
    ] = "today",
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
        from .report_page import page  # noqa: PLC0415 (what writes pages, nothing else here needs)

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
