"""`vedette actions`: what was ordered, how it stands, and until when."""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from vedette_schemas import State, name_of

from .acting import OperatorSettings
from .lines import plain
from .orders import BEGINNING, RUN, Folder, host_of, open_archive

if TYPE_CHECKING:
    from vedette_archive import ArchivedCommand, Reader

MOST_SHOWN = 200


def actions(
    folder: Folder = RUN,
    *,
    everything: Annotated[bool, typer.Option("--all", help="What is over as well, newest first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON array.")] = False,
) -> None:
    """List what is in force, what waits for approval and what is under way."""
    now = datetime.now(UTC)
    with open_archive(OperatorSettings.of(folder).archive) as reader:
        found = reader.newest_commands(MOST_SHOWN) if everything else current(reader, now)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(command, now) for command in found]) + "\n")
    elif not found:
        sys.stdout.write("nothing was ordered yet\n" if everything else "nothing is in force or waits\n")
    else:
        sys.stdout.write(f"times are in {now.astimezone():%Z}\n")
        sys.stdout.flush()
        Console(highlight=False, soft_wrap=False).print(table(found, now))


def current(reader: "Reader", now: datetime) -> list["ArchivedCommand"]:
    """Return what is in force, waits or is under way: what waits first, then by host and time."""
    lasting = [command for command in reader.lasting_commands(now) if is_in_force(command, now)]
    still_open = [reader.command(command.id) for command in reader.open_commands()]
    found = [*lasting, *(command for command in still_open if command is not None and command.ending is None)]
    return sorted(found, key=lambda each: (not _waits(each), each.audience, each.issued_at, each.id))


def is_in_force(command: "ArchivedCommand", now: datetime) -> bool:
    """Tell whether it holds now, as far as the host has said."""
    lasts = command.until is not None and command.until > now
    return lasts and command.ending == "done" and not command.lifted


def state(command: "ArchivedCommand", now: datetime) -> str:
    """Return how a command stands, for people."""
    if command.ending is None:
        waits = f"waits for approval, {left(command.expires_at - now)} left"
        return waits if command.waits else "under way"
    if command.ending == "withdrawn" and command.waits:
        return "declined"
    if command.undone_by is not None and (command.lifted or command.ending != "done"):
        return f"undone by {command.undone_by}"
    if command.lifted:
        return "released at the host"
    if command.until is not None and command.ending == "done":
        return _lasting(command, command.until, now)
    return "taken back" if command.ending == "withdrawn" else str(command.ending)


def _lasting(command: "ArchivedCommand", until: datetime, now: datetime) -> str:
    if until <= now:
        return "over"
    being_undone = f", being undone by {command.undone_by}" if command.undone_by else ""
    return f"in force, {left(until - now)} left{being_undone}"


def left(time: timedelta) -> str:
    """Return a time that is left, roughly."""
    total = max(0, int(time.total_seconds()))
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if total >= 2 * unit:
            return f"{total // unit} {name}"
    return f"{total} s"


def _waits(command: "ArchivedCommand") -> bool:
    """Tell whether somebody has to approve it."""
    return command.waits and command.ending is None


def table(commands: Iterable["ArchivedCommand"], now: datetime) -> Table:
    """Return them for people: beside each id what was ordered, how it stands, what the host says."""
    found = Table.grid(padding=(0, 2))
    found.add_column(no_wrap=True)
    found.add_column(overflow="fold")
    for command in commands:
        cell = Text(f"{host_of(command)}  ", "bold")  # no markup: a path may hold what would be some
        cell.append(f"{command.order.action} {plain(name_of(command.order), 2_300)}", "bold")
        cell.append(f"\n{state(command, now)}{_until(command, now)}; {_author(command, now)}", "not bold")
        if words := _words_of_the_host(command, now):
            cell.append(f"\n{words}", "not bold dim")
        found.add_row(str(command.id)[:BEGINNING], cell)
    return found


def _until(command: "ArchivedCommand", now: datetime) -> str:
    """Return when what is in force, or waits, ends."""
    if command.ending is None:
        return f", until {clock(command.expires_at, now)}" if command.waits else ""
    return f", until {clock(command.until, now)}" if command.until and is_in_force(command, now) else ""


def _author(command: "ArchivedCommand", now: datetime) -> str:
    entry = (command.indicator or "").replace("|", " ", 1)
    why = f"by {command.ordered_by}" if command.ordered_by else f"for {plain(entry, 300)}" if entry else ""
    return f"ordered {clock(command.issued_at, now)} {why}".rstrip()


def _words_of_the_host(command: "ArchivedCommand", now: datetime) -> str:
    """Return what a host has said that its command's state does not say: where it blocks, why it refused."""
    said = next((alert.done for alert in reversed(command.alerts) if alert.state is State.FINAL), "")
    if is_in_force(command, now):
        said = said.partition("; ")[2]  # without: blocked … until …
    elif command.ending is None or command.ending == "done":
        return ""
    return plain(said, 1_000)


def clock(at: datetime, now: datetime) -> str:
    """Return a time where we are, with its day unless that is today."""
    here, today = at.astimezone(), now.astimezone().date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"


def _as_json(command: "ArchivedCommand", now: datetime) -> dict[str, object]:
    until = None if command.until is None else command.until.isoformat()
    return {
        "id": str(command.id),
        "host": host_of(command),
        "order": command.order.model_dump(mode="json"),
        "state": state(command, now),
        "waits": _waits(command),
        "ending": command.ending,
        "issued_at": command.issued_at.isoformat(),
        "expires_at": command.expires_at.isoformat(),
        "until": until,
        "indicator": command.indicator,
        "ordered_by": command.ordered_by,
        "undone_by": command.undone_by,
    }
