"""Orders that have no outcome yet, and what is known of the enforcers that are to carry them out."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

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
    """An order, the alerts that it will settle, and whether it is on its way."""

    id: UUID
    audience: Principal
    order: Order
    opened_at: datetime
    alerts: list[Alert] = field(default_factory=list[Alert])
    sent: bool = False

    @property
    def expires_at(self) -> datetime:
        """When nobody waits for it any more, by the server's clock."""
        return self.opened_at + LIFETIMES[Action(self.order.action)]


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

    def open(self, order: OpenOrder, now: datetime) -> Iterator[Send | OpenOrder]:
        """Take an order: yield it to be sent if its enforcer is there, and the orders that gave way."""
        if order.id in self._open:
            return
        self._open[order.id] = order
        if self._enforcers.running(order.audience):
            yield self._send(order, now)
        if len(self._open) > MAX_OPEN:
            yield self._open.popitem(last=False)[1]

    def waiting(self, enforcer: Principal, now: datetime, *, again: bool) -> Iterator[Send]:
        """Yield what an enforcer that has just been heard is to be sent.

        With `again`, also what was sent and not answered: it may have been lost with a connection. The
        enforcer carries out no command twice.
        """
        for order in self._open.values():
            if order.audience == enforcer and (again or not order.sent):
                yield self._send(order, now)

    def settle(self, command_id: UUID, enforcer: Principal) -> OpenOrder | None:
        """Close the order that this enforcer has answered; `None` if it has no such order open."""
        order = self._open.get(command_id)
        if order is None or order.audience != enforcer:
            return None
        return self._open.pop(command_id)

    def expired(self, now: datetime) -> Iterator[OpenOrder]:
        """Close and yield the orders that nobody answered in time."""
        for order in [order for order in self._open.values() if order.expires_at <= now]:
            yield self._open.pop(order.id)

    def __contains__(self, command_id: UUID) -> bool:
        return command_id in self._open

    def _send(self, order: OpenOrder, now: datetime) -> Send:
        order.sent = True
        return Send(order.audience, self._enforcers.command(order, now))


def notice(text: str, uid: int) -> Notify:
    """Return the order to tell a user what was done."""
    return Notify(uid=uid, title="Vedette closed a program", text=text[:400])


def target_name(order: Terminate) -> str:
    """Return a program's name and PID, for people."""
    name = order.process.executable.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{name} (pid {order.process.pid})"
