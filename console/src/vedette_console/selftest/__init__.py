"""`vedette selftest`: whether the whole chain works, part by part."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import SettingsError
from vedette_transport.identity import Identity

from ..acting import OperatorSettings
from ..deployment import read_host
from .archived import Archived, look
from .checks import Case, Check, State, checks
from .heard import Heard, Plan
from .local import this_host
from .running import run

__all__ = ["EXIT_CODES", "selftest"]

EXIT_CODES = (
    "Nothing is changed anywhere: what it leads to are alerts of severity info. Exit code 0: all is well;"
    " 1: something is not; 2: could not be tried. Ends within 20 s."
)
_MARKS = {State.GOOD: "✓", State.BAD: "✗", State.NONE: "-", State.UNKNOWN: "?"}
_COLOURS = {State.GOOD: "green", State.BAD: "bold red", State.NONE: "dim", State.UNKNOWN: "yellow"}


def selftest(
    host: Annotated[str, typer.Argument(help="Whose enforcer is tested; by default this host.")] = "",
    folder: Annotated[
        Path, typer.Option(help="The folder of 'vedette up', or one with an operator.toml.")
    ] = Path("run"),
    wait: Annotated[
        float, typer.Option(min=1, max=10, metavar="SECONDS", help="How long an answer is waited for.")
    ] = 8,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Send one harmless observation of each kind and one harmless command through the whole chain."""
    settings = OperatorSettings.of(folder)
    here = this_host(folder)
    name = read_host(host) if host else (here.host if here else None)
    if name is None:
        raise SettingsError("this machine is no host of Vedette: name one, as in 'vedette selftest HOST'")
    socket = here.socket if here and here.host in (name, None) else None
    identity = Identity(settings.identity)
    plan = Plan.new(identity.principal, name, socket, plain=settings.broker.plain)
    began = time.monotonic()
    heard = run(plan, settings, identity, wait)
    took = time.monotonic() - began
    found = checks(
        Case(
            plan=plan,
            heard=heard,
            archived=_archived(settings.archive, folder, identity, plan, heard),
            ends_at=identity.ends_at,
            broker=str(settings.broker),
            waited=wait,
        )
    )
    if as_json:
        sys.stdout.write(json.dumps(_as_json(name, took, found)) + "\n")
    else:
        _show(name, took, found)
    if _bad(found):
        raise typer.Exit(1)


def _archived(path: Path, folder: Path, identity: Identity, plan: Plan, heard: Heard) -> Archived | None:
    """Look into the archive, unless it is on another machine: there is no analyzer's settings here then."""
    if not path.exists() and not (folder / "analyzer.toml").exists():
        return None
    return look(path, identity.folder.files().ca, plan, heard)


def _bad(found: list[Check]) -> list[str]:
    return [check.part for check in found if check.state is State.BAD]


def _show(host: str, took: float, found: list[Check]) -> None:
    table = Table.grid(padding=(0, 1))
    for column in ("mark", "part", "words"):
        table.add_column(no_wrap=column != "words", overflow="fold")
    for check in found:
        words = Text(check.words)
        if check.hops:
            words.append(f": {_in_words(check.hops)}")
        table.add_row(Text(_mark(check.state), _COLOURS[check.state]), check.part, words)
    screen = Console(highlight=False, soft_wrap=False)
    screen.print(table)
    bad = _bad(found)
    how = f"not well: {', '.join(bad)}" if bad else "all is well"
    screen.print(Text(f"{host}: {how} ({took:.1f} s)", "bold"))


def _mark(state: State) -> str:
    mark = _MARKS[state]
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return {State.GOOD: "ok", State.BAD: "NO"}.get(state, mark)
    return mark


def _in_words(hops: dict[str, float]) -> str:
    """Return how long all took, and each hop, in milliseconds."""
    parts = ", ".join(f"{name} {ms:.0f}" for name, ms in hops.items() if name != "all")
    total = f"{hops['all']:.0f} ms"
    return f"{total} ({parts})" if parts else total


def _as_json(host: str, took: float, found: list[Check]) -> dict[str, object]:
    return {
        "host": host,
        "well": not _bad(found),
        "seconds": round(took, 3),
        "checks": [
            {
                "part": check.part,
                "state": check.state,
                "words": check.words,
                "ms": check.hops and {name: round(ms, 1) for name, ms in check.hops.items()},
            }
            for check in found
        ],
    }
