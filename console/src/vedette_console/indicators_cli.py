"""`vedette indicators`: what lists hold, what they match and why."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from vedette_indicators import Indicator, IndicatorTable, IndicatorType, Match, explain_url
from vedette_indicators.formats import Column, Columns, Format
from vedette_indicators.guard import read_guard
from vedette_schemas import OperatingSystem

from .indicator_files import DETECT, FORMATS, How, UnusableError, opened, progress, read_file, shelf
from .indicator_tables import (
    SHOWN,
    counted,
    place,
    show_explanation,
    show_false_alarms,
    show_list,
    show_matches,
)
from .lines import plain

indicators = typer.Typer(
    help="Lists of indicators: what they hold and what they match.", no_args_is_help=True
)
_AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
_Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help=f"What the file is in: {', '.join(FORMATS)}.")
]
_Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=COLUMN",
        help="For CSV, as in feeds.toml: value=, type=, type_of_all=, note=, delimiter=; may be repeated.",
    ),
]


_KINDS = ("host", "url", "ip", "ip:port", "cidr", "hash")
_MOST_COLUMNS = 1_000


class As(StrEnum):
    """What a text is taken for."""

    URL = "url"
    WINDOW = "window"
    CLIPBOARD = "clipboard"
    PROGRAM = "program"
    COMMAND_LINE = "command-line"
    PATH = "path"
    CONNECTION = "connection"
    HASH = "hash"
    HOST = "host"


class System(StrEnum):
    """The system that a program or window was seen on."""

    ANY = "any"
    LINUX = "linux"
    WINDOWS = "windows"
    MACOS = "macos"


_SYSTEMS: dict[System, OperatingSystem | None] = {
    System.ANY: None,
    System.LINUX: "linux",
    System.WINDOWS: "windows",
    System.MACOS: "macos",
}


@indicators.command()
def check(
    file: Annotated[Path, typer.Argument(help="The list.", show_default=False)],
    benign: Annotated[
        list[Path] | None,
        typer.Option("--benign", help="Names that everybody visits, one a line or MISP's; may be repeated."),
    ] = None,
    form: _Format = DETECT,
    column: _Columns = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """Say what a list holds and what is wrong with it; with `--benign`, which everyday names it hits.

    Leave with 1 where a line can't be used or an everyday name is hit, with 2 where the list can't be.
    """
    listed = read_file(file, _how(form, column))
    rows = listed.rows
    hit = _false_alarms(rows, benign or [])
    if as_json:
        result: dict[str, object] = {
            "format": listed.format,
            "entries": len(rows),
            "repeated": listed.repeated,
            "types": counted(row.type for row in rows),
            "actions": counted(row.action for row in rows),
            "severities": counted(row.severity for row in rows),
            "expired": sum(not row.live(_today()) for row in rows),
            "bad": [
                {"line" if isinstance(where, int) else "id": where, "reason": reason}
                for where, reason in listed.bad
            ],
        }
        if benign:
            result["false_alarms"] = [_as_json(match) | {"name": name} for name, match in hit]
        _write(json.dumps(result))
    else:
        show_list(file.name, listed, _today(), Console())
        if benign:
            show_false_alarms(hit, Console())
    if listed.bad or hit:
        raise typer.Exit(1)


@indicators.command()
def match(
    text: Annotated[str, typer.Argument(help="What was seen.", show_default=False)],
    lists: Annotated[list[Path], typer.Option("--list", help="A list; may be repeated.", show_default=False)],
    as_: Annotated[As, typer.Option("--as", help="What the text is.", show_default=False)],
    system: Annotated[System, typer.Option("--os", help="The system it was seen on.")] = System.ANY,
    form: _Format = DETECT,
    column: _Columns = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """Say which rows a text hits, and how. Leave with 0, whether there are any or not."""
    how = _how(form, column)
    shelves = [shelf(path, how) for path in lists]
    for path, (_, bad) in zip(lists, shelves, strict=True):
        for where, reason in bad[:SHOWN]:
            sys.stderr.write(f"vedette: {plain(path.name)}, {place(where)}: {plain(reason, 300)}\n")
    found = _ask(IndicatorTable((), [kept for kept, _ in shelves]), as_, text, _SYSTEMS[system])
    if as_json:
        _write(json.dumps([_as_json(match) for match in found]))
    elif not found:
        _write("nothing on these lists matches")
    else:
        show_matches(found, Console())


@indicators.command()
def explain(
    url: Annotated[str, typer.Argument(help="A URL, as it was seen.", show_default=False)],
    *,
    as_json: _AsJson = False,
) -> None:
    """Show a URL's canonical form, and what is looked up for it. Leave with 2 where it is no URL."""
    found = explain_url(url)
    if found is None:
        raise UnusableError("no browser opens that as a web address")
    if as_json:
        _write(json.dumps(found._asdict()))
        return
    show_explanation(found, Console())


def _how(form: str, words: Iterable[str] | None) -> How:
    if form not in FORMATS:
        raise UnusableError(f"--format takes one of {', '.join(FORMATS)}")
    columns = _columns(words or ())
    if (form == Format.CSV and columns is None) or (columns is not None and form not in {DETECT, Format.CSV}):
        raise UnusableError(
            "--format csv and --column value=NAME_OR_NUMBER go together, and with nothing else"
        )
    return How(form, columns)


def _columns(words: Iterable[str]) -> Columns | None:
    said: dict[str, list[str]] = {}
    for word in words:
        name, _, column = word.partition("=")
        said.setdefault(name, []).append(column)
    if not said:
        return None
    notes = said.pop("note", [])
    one = {name: columns[-1] for name, columns in said.items()}
    delimiter, kind = one.pop("delimiter", ","), one.pop("type_of_all", "")
    if not {"value"} <= one.keys() <= {"value", "type"} or kind not in {"", *_KINDS}:
        raise UnusableError(
            "--column takes value=, type=, note= with a name or number, delimiter=, and type_of_all= with "
            f"one of {', '.join(_KINDS)}; value= has to be there"
        )
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UnusableError("--column delimiter= takes one character")
    kinds = {_column(one["value"]): IndicatorType(kind) if kind else None}
    return Columns(kinds, _column(one["type"]) if "type" in one else None, [*map(_column, notes)], delimiter)


def _column(word: str) -> Column:
    """Return a column's number, or its name in the header."""
    if not word.isdecimal():
        return word
    number = int(word[:4])
    if not 0 < number <= _MOST_COLUMNS:
        raise UnusableError(f"--column takes numbers from 1 to {_MOST_COLUMNS}")
    return number


def _today() -> date:
    return date.today()  # noqa: DTZ011 (the day of who asks)


def _ask(table: IndicatorTable, as_: As, text: str, os: OperatingSystem | None) -> list[Match]:
    by_system: dict[As, Callable[..., list[Match]]] = {
        As.WINDOW: table.window,
        As.PROGRAM: table.program,
        As.PATH: table.path,
        As.COMMAND_LINE: table.command_line,
    }
    if as_ in by_system:
        return by_system[as_](text, os, on=_today())
    by_text: dict[As, Callable[..., list[Match]]] = {
        As.URL: table.url,
        As.HOST: table.host,
        As.CONNECTION: table.connection,
        As.CLIPBOARD: table.clipboard,
        As.HASH: table.hash,
    }
    return by_text[as_](text, on=_today())


def _false_alarms(rows: Iterable[Indicator], benign: Iterable[Path]) -> list[tuple[str, Match]]:
    """Return the everyday names that the rows hit, each with the first row."""
    table = IndicatorTable(rows)
    found: list[tuple[str, Match]] = []
    for path in benign:
        with opened(path) as file, progress() as shown:
            task = shown.add_task("looking for false alarms", total=None)
            names, _ = read_guard(file.read().decode("utf-8", "replace"), name=path.name)
            for key in shown.track(names, task_id=task):
                if key[0] in "hi":
                    found += ((key[1:], match) for match in table.connection(key[1:], on=_today())[:1])
    return found


def _as_json(match: Match) -> dict[str, object]:
    row = match.indicator
    return {
        "type": row.type,
        "value": row.value,
        "written": row.written,
        "action": row.action,
        "severity": row.severity,
        "expires": None if row.expires is None else row.expires.isoformat(),
        "source": row.source,
        "attack": row.attack,
        "comment": row.comment,
        "list": row.list,
        "line": row.line or None,
        "subject": match.subject,
        "via": match.via,
    }


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
