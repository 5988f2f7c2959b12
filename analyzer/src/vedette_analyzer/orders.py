"""Orders that have no outcome yet, and what is known of the enforcers that are to carry them out."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from vedette_archive import OpenCommand
from vedette_schemas import (
    ANALYZER,
    Action,
    Alert,
    Command,
    Life,
    Notify,
    Order,
    Principal,
    Status,
    Terminate,
)

LIFETIMES = {Action.TERMINATE: timedelta(seconds=60), Action.NOTIFY: timedelta(minutes=5)}
MAX_OPEN = 10_000
MAX_ENFORCERS = 10_000
MAX_AHEAD = timedelta(days=366)
"""How far an enforcer's clock may be off: commands are in its time, but not in any time."""


@dataclass(frozen=True, slots=True)
class Send:
    """A command to be signed and sent."""

    audience: Principal
    command: Command


@dataclass(slots=True)
class OpenOrder:
    """An order and the alerts that it will settle. Times are the server's."""

    id: UUID
    audience: Principal
    order: Order
    opened_at: datetime
    expires_at: datetime
    alerts: list[Alert] = field(default_factory=list[Alert])

    @classmethod
    def new(cls, name: UUID, audience: Principal, order: Order, now: datetime) -> Self:
        """Open an order now; nobody waits for its outcome longer than `LIFETIMES` say."""
        return cls(name, audience, order, now, now + LIFETIMES[Action(order.action)])

    @classmethod
    def from_archive(cls, kept: OpenCommand) -> Self:
        """Return an order as an analyzer before this one opened it."""
        audience = Principal.parse(kept.audience)
        return cls(kept.id, audience, kept.order, kept.issued_at, kept.expires_at, list(kept.alerts))

    @property
    def record(self) -> OpenCommand:
        """The order as the archive keeps it; the alerts are kept by themselves."""
        return OpenCommand(self.id, str(self.audience), self.order, self.opened_at, self.expires_at)


@dataclass(frozen=True, slots=True)
class _Enforcer:
    """What an enforcer's last heartbeat told: its clock against ours, and what it can do."""

    ahead: timedelta
    facts: dict[str, str]
    life: Life
    connection: str


class Enforcers:
    """The enforcers, each as its last heartbeat told."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: OrderedDict[str, _Enforcer] = OrderedDict()

    def heard(self, status: Status, now: datetime) -> bool:
        """Remember a heartbeat; tell whether it is the first of its connection.

        The last will of an older connection says nothing. The enforcer heard longest ago is forgotten
        where there are too many.
        """
        before = self._known.get(status.principal)
        is_new = before is None or before.connection != status.connection
        if is_new and before is not None and status.life is not Life.RUNNING:
            return False
        known = _Enforcer(status.at - now, dict(status.facts), status.life, status.connection)
        self._known[status.principal] = known
        self._known.move_to_end(status.principal)
        if len(self._known) > MAX_ENFORCERS:
            self._known.popitem(last=False)
        return is_new

    def running(self, enforcer: Principal) -> bool:
        """Tell whether it can be sent a command now."""
        known = self._known.get(str(enforcer))
        return known is not None and known.life is Life.RUNNING and abs(known.ahead) <= MAX_AHEAD

    def obstacle(self, enforcer: Principal, action: Action) -> str | None:
        """Return why it can't do `action`, in its own words; `None` if it can or was not heard yet."""
        known = self._known.get(str(enforcer))
        if known and abs(known.ahead) > MAX_AHEAD:
            return "its clock is off by more than a year"
        fact = known.facts.get(action, f"off: it does not know how to {action}") if known else "on"
        return None if fact.startswith("on") else fact.removeprefix("off:").strip()

    def clock_moved(self, by: timedelta) -> None:
        """Take in that the server's clock was set: what was reckoned against it moves along."""
        self._known.update(
            {name: replace(known, ahead=known.ahead - by) for name, known in self._known.items()}
        )

    def command(self, order: OpenOrder, now: datetime) -> Command:
        """Return an open order as a command, in the enforcer's own time."""
        ahead = self._known[str(order.audience)].ahead
        return Command(
            id=order.id,
            issuer=str(ANALYZER),
            audience=str(order.audience),
            issued_at=now + ahead,
            expires_at=order.expires_at + ahead,
            order=order.order,
        )


class OpenOrders:
    """Orders without an outcome, in the order they were opened; bounded, the oldest give way."""

    def __init__(self, enforcers: Enforcers) -> None:
        """Send to these enforcers."""
        self._enforcers = enforcers
        self._open: OrderedDict[UUID, OpenOrder] = OrderedDict()
        self._of: dict[Principal, set[UUID]] = {}

    def restore(self, order: OpenOrder) -> None:
        """Take up an order that an analyzer before this one had opened."""
        self._open[order.id] = order
        self._of.setdefault(order.audience, set()).add(order.id)

    def open(self, order: OpenOrder, now: datetime) -> Iterator[Send | OpenOrder]:
        """Take an order: yield it to be sent if its enforcer is there, and the orders that gave way."""
        if order.id in self._open:
            return
        self.restore(order)
        if self._enforcers.running(order.audience):
            yield self._send(order, now)
        if len(self._open) > MAX_OPEN:
            yield self._close(next(iter(self._open)))

    def waiting(self, enforcer: Principal, now: datetime) -> Iterator[Send]:
        """Yield all that an enforcer which was just heard has not answered.

        What was sent before may have been lost; the enforcer carries out no command twice.
        """
        for name in sorted(self._of.get(enforcer, ()), key=lambda name: self._open[name].opened_at):
            yield self._send(self._open[name], now)

    def settle(self, command_id: UUID, enforcer: Principal) -> OpenOrder | None:
        """Close the order that this enforcer has answered; `None` if it has no such order open."""
        order = self._open.get(command_id)
        if order is None or order.audience != enforcer:
            return None
        return self._close(command_id)

    def expired(self, now: datetime) -> Iterator[OpenOrder]:
        """Close and yield the orders that nobody answered in time."""
        for order in [order for order in self._open.values() if order.expires_at <= now]:
            yield self._close(order.id)

    def clock_moved(self, by: timedelta) -> None:
        """Let each order live as long as it would have if the server's clock had not been set."""
        for order in self._open.values():
            order.opened_at += by
            order.expires_at += by

    def _close(self, command_id: UUID) -> OpenOrder:
        order = self._open.pop(command_id)
        others = self._of[order.audience]
        others.discard(command_id)
        if not others:
            del self._of[order.audience]
        return order

    def _send(self, order: OpenOrder, now: datetime) -> Send:
        return Send(order.audience, self._enforcers.command(order, now))


def notice(text: str, uid: int) -> Notify:
    """Return the order to tell a user what was done."""
    return Notify(uid=uid, title="Vedette closed a program", text=text[:400])


def target_name(order: Terminate) -> str:
    """Return a program's name and PID, for people."""
    name = order.process.executable.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name} (pid {order.process.pid})"
