"""`vedette actions`, `approve`, `undo`, `isolate` and `block`: what operators do about what was ordered."""

import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_indicators import named_target
from vedette_schemas import (
    MAX_TTL,
    Approve,
    Block,
    BlockedHost,
    Direct,
    Isolate,
    SettingsError,
    TakeBack,
    VedetteError,
    name_of,
)
from vedette_transport import CANNOT_GO_ON

from .acting import Operator, OperatorSettings, operator
from .deployment import read_host
from .lines import plain

if TYPE_CHECKING:
    from vedette_archive import ArchivedCommand, Reader

MOST_SHOWN = 200
_DURATION = re.compile(r"([0-9]{1,7})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Folder = Annotated[Path, typer.Option(help="The folder of 'vedette up', or one with an operator.toml.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Commands, each by the beginning of its id.")]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 90s, 30m, 2h, 7d.")]

RUN = Path("run")


def actions(
    folder: Folder = RUN,
    *,
    everything: Annotated[bool, typer.Option("--all", help="What is over as well, newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List what is in force, what waits for approval and what is under way."""
    now = datetime.now(UTC)
    with _reader(OperatorSettings.of(folder).archive) as reader:
        found = reader.newest_commands(MOST_SHOWN) if everything else current(reader, now)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(command, now) for command in found]) + "\n")
    elif not found:
        sys.stdout.write("nothing was ordered yet\n" if everything else "nothing is in force or waits\n")
    else:
        Console(highlight=False, soft_wrap=False).print(_table(found, now))


def approve(ids: Ids, folder: Folder = RUN) -> None:
    """Have commands carried out that wait for approval."""

    def waiting(reader: "Reader", _: str) -> list[UUID]:
        return [command.id for command in reader.open_commands() if command.waits]

    _act_on(ids, folder, waiting, lambda name: Approve(command_id=name))


def undo(ids: Ids, folder: Folder = RUN) -> None:
    """Take back what was ordered: lift a block or an isolation, or withdraw what waits for approval."""

    def known(reader: "Reader", beginning: str) -> list[UUID]:
        return reader.command_ids(beginning.strip().lower())

    _act_on(ids, folder, known, lambda name: TakeBack(command_id=name))


def isolate(
    host: Annotated[str, typer.Argument(help="The host to cut off.")],
    folder: Folder = RUN,
    duration: For = "1h",
) -> None:
    """Cut a host off from all but the broker, for some time."""
    order = Isolate(ttl_seconds=seconds(duration), why="an operator has isolated this host")
    _direct(Direct(host=read_host(host), order=order), folder)


def block(
    host: Annotated[str, typer.Argument(help="The host on which it is blocked.")],
    target: Annotated[str, typer.Argument(help="A URL, host, address, address:port or network.")],
    folder: Folder = RUN,
    duration: For = "24h",
    *,
    addresses: Annotated[
        bool, typer.Option(help="Of a host also its addresses, which others may share.")
    ] = False,
) -> None:
    """Block a page, a host or an address on one host, for some time."""
    found = named_target(target)
    if isinstance(found, BlockedHost):
        found = found.model_copy(update={"addresses": addresses})
    if found is None:
        raise SettingsError(
            f"{plain(target, 80)!r} names no URL, host, address or network that can be blocked"
        )
    order = Block(target=found, ttl_seconds=seconds(duration), why="an operator has blocked this")
    _direct(Direct(host=read_host(host), order=order), folder)


def seconds(text: str) -> int:
    """Read `90s`, `30m`, `2h` or `7d`; raise `SettingsError` on anything else."""
    found = _DURATION.fullmatch(text.strip())
    length = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 1 <= length <= MAX_TTL:
        raise SettingsError(
            f"--for {plain(text, 40)!r}: give 90s, 30m, 2h or 7d, at most {MAX_TTL // 86_400}d"
        )
    return length


def current(reader: "Reader", now: datetime) -> list["ArchivedCommand"]:
    """Return what is in force, waits or is under way, what was ordered first coming first."""
    from vedette_archive import Ending  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    lasting = [
        command
        for command in reader.lasting_commands(now)
        if command.ending is Ending.DONE and not command.lifted
    ]
    still_open = [reader.command(command.id) for command in reader.open_commands()]
    found = [*lasting, *(command for command in still_open if command is not None and command.ending is None)]
    return sorted(found, key=lambda command: (command.audience, command.issued_at, command.id))


def state(command: "ArchivedCommand", now: datetime) -> str:
    """Return how a command stands, for people."""
    if command.ending is None:
        if command.waits:
            return f"waits for approval, {left(command.expires_at - now)} left"
        return "under way"
    if command.undone_by is not None and (command.lifted or command.ending != "done"):
        return f"undone by {command.undone_by}"
    if command.until is not None and command.ending == "done":
        if command.until <= now:
            return "over"
        being_undone = f", being undone by {command.undone_by}" if command.undone_by else ""
        return f"in force, {left(command.until - now)} left{being_undone}"
    return str(command.ending)


def left(time: timedelta) -> str:
    """Return a time that is left, roughly."""
    total = max(0, int(time.total_seconds()))
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if total >= 2 * unit:
            return f"{total // unit} {name}"
    return f"{total} s"


def find(beginning: str, ids: Iterable[UUID]) -> UUID:
    """Return the id that begins so; raise `SettingsError` unless it is exactly one."""
    text = beginning.strip().lower()
    try:
        return UUID(text)
    except ValueError:
        pass
    found = sorted({str(name) for name in ids if text and str(name).startswith(text)})
    if not found:
        raise SettingsError(
            f"no such command begins with {plain(beginning, 40)!r}: 'vedette actions' lists them"
        )
    if len(found) > 1:
        raise SettingsError(f"{text!r} is the beginning of several ids: {', '.join(found[:4])}")
    return UUID(found[0])


def _act_on(
    ids: list[str],
    folder: Path,
    candidates: Callable[["Reader", str], list[UUID]],
    what: Callable[[UUID], Approve | TakeBack],
) -> None:
    """Do it to each; what does not work with one is no reason to leave the others."""
    settings = OperatorSettings.of(folder)
    with _reader(settings.archive) as reader:
        names = [find(beginning, candidates(reader, beginning)) for beginning in ids]
    failed = False
    with operator(settings) as acting:
        for name in names:
            try:
                _say(acting, what(name))
            except VedetteError as error:
                failed = True
                sys.stderr.write(f"vedette: {plain(str(error), 1_000)}\n")
    if failed:
        raise typer.Exit(CANNOT_GO_ON)


def _direct(what: Direct, folder: Path) -> None:
    with operator(OperatorSettings.of(folder)) as acting:
        _say(acting, what)


def _say(acting: Operator, what: Approve | TakeBack | Direct) -> None:
    sys.stdout.write(plain(acting.act(what).words, 1_000) + "\n")


def _reader(path: Path) -> "Reader":
    from vedette_archive import Reader  # noqa: PLC0415

    return Reader(path)


def _table(commands: Iterable["ArchivedCommand"], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "host", "action"):
        table.add_column(name, no_wrap=True)
    for name in ("what", "state", "ordered by"):
        table.add_column(name, overflow="fold")
    for command in commands:
        cells = (
            str(command.id)[:8],
            command.audience.rpartition("@")[2],
            command.order.action,
            plain(name_of(command.order), 80),
            state(command, now),
            _author(command),
        )
        table.add_row(*map(Text, cells))  # as they are: a path may hold what would be markup
    return table


def _author(command: "ArchivedCommand") -> str:
    entry = (command.indicator or "").replace("|", " ", 1)
    return command.ordered_by or plain(entry, 60)


def _as_json(command: "ArchivedCommand", now: datetime) -> dict[str, object]:
    until = None if command.until is None else command.until.isoformat()
    return {
        "id": str(command.id),
        "host": command.audience.rpartition("@")[2],
        "order": command.order.model_dump(mode="json"),
        "state": state(command, now),
        "waits": command.waits and command.ending is None,
        "ending": command.ending,
        "issued_at": command.issued_at.isoformat(),
        "expires_at": command.expires_at.isoformat(),
        "until": until,
        "indicator": command.indicator,
        "ordered_by": command.ordered_by,
        "undone_by": command.undone_by,
    }
