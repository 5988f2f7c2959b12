"""`vedette indicators`: what lists hold, what they match and why."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from vedette_indicators import (
    BadLine,
    Indicator,
    IndicatorTable,
    Match,
    explain_url,
    read_list,
)
from vedette_indicators.compiled import CompiledList
from vedette_indicators.compiling import compile_list
from vedette_indicators.guard import read_guard
from vedette_schemas import OperatingSystem, VedetteError

from .indicator_tables import SHOWN, counted, show_explanation, show_false_alarms, show_list, show_matches
from .lines import plain

indicators = typer.Typer(
    help="Lists of indicators: what they hold and what they match.", no_args_is_help=True
)
_AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]


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


class UnusableError(VedetteError):
    """What was named can't be used."""


@indicators.command()
def check(
    file: Annotated[Path, typer.Argument(help="The list.", show_default=False)],
    benign: Annotated[
        list[Path] | None,
        typer.Option("--benign", help="Names that everybody visits, one a line or MISP's; may be repeated."),
    ] = None,
    *,
    as_json: _AsJson = False,
) -> None:
    """Say what a list holds and what is wrong with it; with `--benign`, which everyday names it hits.

    Leave with 1 where a line can't be used or an everyday name is hit, with 2 where the list can't be.
    """
    rows, bad = _rows(file)
    hit = _false_alarms(rows, benign or [])
    if as_json:
        result: dict[str, object] = {
            "entries": len(rows),
            "types": counted(row.type for row in rows),
            "actions": counted(row.action for row in rows),
            "severities": counted(row.severity for row in rows),
            "expired": sum(not row.live(_today()) for row in rows),
            "bad": [{"line": line.line, "reason": line.reason} for line in bad],
        }
        if benign:
            result["false_alarms"] = [_as_json(match) | {"name": name} for name, match in hit]
        _write(json.dumps(result))
    else:
        show_list(file, rows, bad, _today(), Console())
        if benign:
            show_false_alarms(hit, Console())
    if bad or hit:
        raise typer.Exit(1)


@indicators.command()
def match(
    text: Annotated[str, typer.Argument(help="What was seen.", show_default=False)],
    lists: Annotated[list[Path], typer.Option("--list", help="A list; may be repeated.", show_default=False)],
    as_: Annotated[As, typer.Option("--as", help="What the text is.", show_default=False)],
    system: Annotated[System, typer.Option("--os", help="The system it was seen on.")] = System.ANY,
    *,
    as_json: _AsJson = False,
) -> None:
    """Say which rows a text hits, and how. Leave with 0, whether there are any or not."""
    compiled = [_compiled(path) for path in lists]
    for one in compiled:
        for line in one.bad[:SHOWN]:
            sys.stderr.write(f"vedette: {one.name} line {line.line}: {plain(line.reason, 300)}\n")
    found = _ask(IndicatorTable((), compiled), as_, text, _SYSTEMS[system])
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


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes().decode("utf-8", "replace").encode()
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None


def _rows(path: Path) -> tuple[tuple[Indicator, ...], tuple[BadLine, ...]]:
    return read_list(_content(path), name=path.name)


def _compiled(path: Path) -> CompiledList:
    """Read a list as the analyzer reads a large one: in a third of the time."""
    with TemporaryDirectory(prefix="vedette-") as folder:
        target = Path(folder, "it")
        with target.open("wb") as file:
            compile_list(_content(path), file, name=path.name)
        return CompiledList(target)


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
        names, _ = read_guard(_content(path).decode(), name=path.name)
        for key in names:
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
        "line": row.line,
        "subject": match.subject,
        "via": match.via,
    }


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
