"""Reads a table of cases and asks the indicator table as each case says."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple, cast

from vedette_indicators import IndicatorTable, Match, read_list
from vedette_schemas import OperatingSystem

TODAY = date(2026, 1, 15)


class Case(NamedTuple):
    id: str
    observable: str
    os: str
    input: str
    type: str
    value: str
    match: str
    why: str


def read_cases(path: Path) -> list[Case]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Case(**{str(key): str(value) for key, value in row.items()}) for row in csv.DictReader(file)]


def table_of(*rows: tuple[str, str] | tuple[str, str, str]) -> IndicatorTable:
    """A table of rows (type, value) or (type, value, action); a row that is refused is left out."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("type", "value", "action", "severity", "expires", "source", "attack", "comment"))
    for kind, value, *action in rows:
        writer.writerow((kind, value, *(action or [""]), "", "", "", "", ""))
    return IndicatorTable(read_list(text.getvalue(), name="cases.csv")[0])


def is_refused(case: Case) -> bool:
    return len(table_of((case.type, case.value))) == 0


def ask(table: IndicatorTable, case: Case) -> list[Match]:
    os = cast("OperatingSystem", case.os) if case.os in {"linux", "windows", "macos"} else None
    by_system: dict[str, Callable[..., list[Match]]] = {
        "window": table.window,
        "program": table.program,
        "path": table.path,
        "command-line": table.command_line,
    }
    by_text: dict[str, Callable[..., list[Match]]] = {
        "url": table.url,
        "host": table.host,
        "connection": table.connection,
        "clipboard": table.clipboard,
        "hash": table.hash,
    }
    if case.observable in by_system:
        return by_system[case.observable](case.input, os, on=TODAY)
    return by_text[case.observable](case.input, on=TODAY)
