"""How hosts and actions stand, as pages show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from vedette_archive import ArchivedCommand, Ending, OpenCommand, Reader
from vedette_schemas import Block, Isolate, State, digest, name_of

from .. import actions as listed
from ..ca import Entry, open_register
from ..host_rows import Row, Seen, rows
from ..orders import host_of
from ..results import FAILED, REFUSED
from .settings import ConsoleSettings


class Hosts(NamedTuple):
    """All hosts; `is_stale` says that nobody was heard for so long that it is rather the server's fault."""

    rows: Sequence[Row]
    is_stale: bool
    newest: datetime | None

    @property
    def marked(self) -> list[Row]:
        """Those to look at."""
        return [row for row in self.rows if row.marks]

    @property
    def well(self) -> int:
        """How many there is nothing to say of."""
        return sum(1 for row in self.rows if not row.marks)

    @property
    def silent(self) -> int:
        """How many do not say that they live."""
        return sum(1 for row in self.rows if any(_is_silence(mark) for mark in row.marks))

    @property
    def losing(self) -> int:
        """How many have lost observations of late."""
        return sum(1 for row in self.rows if row.is_losing)


def hosts(reader: Reader, settings: ConsoleSettings, now: datetime) -> Hosts:
    """Return all hosts that are enrolled or were heard."""
    seen = Seen.by(reader, now)
    newest = max((heard.heard_at for heard in seen.programs), default=None)
    return Hosts(rows(seen, _entries(settings), now), bool(seen.programs) and seen.is_stale(now), newest)


class Action(NamedTuple):
    """A command as pages show it."""

    id: str
    host: str
    verb: str
    target: str
    state: str
    waits: bool
    can_be_undone: bool
    issued_at: datetime
    ends_at: datetime | None
    why: str
    by: str
    said: str
    reason: str
    """Why it was not done, in the host's words or the analyzer's."""
    digest: str
    """What an approval names: the order as it is shown."""


def action(command: ArchivedCommand, now: datetime) -> Action:
    """Return a command as pages show it."""
    in_force = listed.is_in_force(command, now)
    waits = command.waits and command.ending is None
    final = [alert for alert in command.alerts if alert.state is State.FINAL]
    said = final[-1].done if final else ""
    return Action(
        id=str(command.id),
        host=host_of(command),
        verb=str(command.order.action),
        target=name_of(command.order),
        state=listed.state(command, now).partition(",")[0],
        waits=waits,
        can_be_undone=isinstance(command.order, Block | Isolate)
        and (in_force or command.ending is None)
        and not waits
        and command.undone_by is None,
        issued_at=command.issued_at,
        ends_at=command.expires_at if waits else command.until if in_force else None,
        why=(command.indicator or "").replace("|", " ", 1),
        by=command.ordered_by or "",
        said=said,
        reason="" if command.ending in (None, Ending.DONE) else _reason(said),
        digest=digest(command.order),
    )


def _reason(said: str) -> str:
    return said.removeprefix(REFUSED).removeprefix(FAILED).removeprefix("not done: ")


def current(reader: Reader, now: datetime) -> list[Action]:
    """Return what is in force or under way, what ends first coming first."""
    found = [action(each, now) for each in listed.current(reader, now)]
    return sorted((each for each in found if not each.waits), key=lambda each: each.ends_at or now)


def waiting(reader: Reader, now: datetime) -> list[Action]:
    """Return what waits for approval, the most urgent first."""
    opened: list[OpenCommand] = [each for each in reader.open_commands() if each.waits]
    known = [reader.command(each.id) for each in opened]
    return [action(each, now) for each in sorted((c for c in known if c), key=lambda c: c.expires_at)]


def newest(reader: Reader, now: datetime, limit: int) -> list[Action]:
    """Return what was ordered last, newest first."""
    return [action(each, now) for each in reader.newest_commands(limit)]


def _entries(settings: ConsoleSettings) -> list[Entry] | None:
    """Return what the CA has issued; `None` where it is not on this machine, or hosts need none: no TLS."""
    if settings.ca is None or not (settings.ca / "register.db").exists():
        return None
    register = open_register(settings.ca)
    try:
        found = register.entries()
    finally:
        register.close()
    return None if settings.broker.plain and not any(map(_is_hosts, found)) else found


def _is_hosts(entry: Entry) -> bool:
    return entry.principal.startswith(("sensor@", "enforcer@"))


def _is_silence(mark: str) -> bool:
    return any(word in mark for word in ("silent", "gone", "never heard", "stopped"))
