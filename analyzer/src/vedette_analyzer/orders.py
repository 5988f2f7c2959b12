"""Orders that have no outcome yet: sent and not answered, or waiting for an operator's approval."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self, TypeVar
from uuid import UUID

from vedette_archive import OpenCommand
from vedette_schemas import (
    Action,
    Alert,
    Block,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    Command,
    Isolate,
    Order,
    Principal,
    Process,
    Terminate,
)
from vedette_transport.signing import LONGEST_LIFE

from .enforcers import Enforcers
from .work import Record

LIFETIMES = {
    Action.TERMINATE: timedelta(seconds=60),
    Action.NOTIFY: timedelta(minutes=5),
    Action.UNDO: LONGEST_LIFE,
    Action.TEST: timedelta(seconds=60),
}
MAX_OPEN = 10_000

_K = TypeVar("_K")
Subject = Process | BlockedAddress | BlockedHost | BlockedPage | None


def subject(order: Order) -> Subject:
    """Return what tells whether two orders with the same action come to the same thing."""
    match order:
        case Terminate(process=process):
            return process
        case Block(target=target):
            return target
        case _:
            return None


def lifetime(order: Order) -> timedelta:
    """Return how long an order is worth carrying out; a block and an isolation as long as they last."""
    if isinstance(order, Block | Isolate):
        return min(timedelta(seconds=order.ttl_seconds), LONGEST_LIFE)
    return LIFETIMES[Action(order.action)]


@dataclass(frozen=True, slots=True)
class Send:
    """A command to be signed and sent."""

    audience: Principal
    command: Command


Effect = Send | Record
"""What the analyzer wants: a `Send` published at once, all else archived."""


@dataclass(slots=True)
class OpenOrder:
    """An order and the alerts that it will settle. Times are the server's.

    One that `waits` is not sent before an operator approves it. `indicator` is the list's entry that led
    to it; `ordered_by` is the operator who ordered or approved it by the act `act`, kept as it was signed.
    """

    id: UUID
    audience: Principal
    order: Order
    opened_at: datetime
    expires_at: datetime
    waits: bool = False
    indicator: str | None = None
    ordered_by: str | None = None
    act: str | None = None
    alerts: list[Alert] = field(default_factory=list[Alert])

    @classmethod
    def new(
        cls,
        name: UUID,
        audience: Principal,
        order: Order,
        now: datetime,
        *,
        approve_within: timedelta | None = None,
        indicator: str | None = None,
        ordered_by: str | None = None,
        act: str | None = None,
    ) -> Self:
        """Open an order now, to be approved within that time; without, it needs no approval."""
        waits = approve_within is not None
        expires_at = now + (approve_within or lifetime(order))
        return cls(name, audience, order, now, expires_at, waits, indicator, ordered_by, act)

    @classmethod
    def from_archive(cls, kept: OpenCommand) -> Self:
        """Return an order as an analyzer before this one opened it."""
        return cls(
            id=kept.id,
            audience=Principal.parse(kept.audience),
            order=kept.order,
            opened_at=kept.issued_at,
            expires_at=kept.expires_at,
            waits=kept.waits,
            indicator=kept.indicator,
            ordered_by=kept.ordered_by,
            act=kept.act,
            alerts=list(kept.alerts),
        )

    @property
    def record(self) -> OpenCommand:
        """The order as the archive keeps it; the alerts are kept by themselves."""
        return OpenCommand(
            id=self.id,
            audience=str(self.audience),
            order=self.order,
            issued_at=self.opened_at,
            expires_at=self.expires_at,
            waits=self.waits,
            indicator=self.indicator,
            ordered_by=self.ordered_by,
            act=self.act,
        )


class OpenOrders:
    """Orders without an outcome, in the order they were opened; bounded, the oldest give way."""

    def __init__(self, enforcers: Enforcers) -> None:
        """Send to these enforcers."""
        self._enforcers = enforcers
        self._open: OrderedDict[UUID, OpenOrder] = OrderedDict()
        self._of: dict[Principal, set[UUID]] = {}
        self._like: dict[tuple[Principal, str, Subject], set[UUID]] = {}

    def restore(self, order: OpenOrder) -> None:
        """Take up an order that an analyzer before this one had opened."""
        self._open[order.id] = order
        self._of.setdefault(order.audience, set()).add(order.id)
        self._like.setdefault((order.audience, order.order.action, subject(order.order)), set()).add(order.id)

    def get(self, command_id: UUID) -> OpenOrder | None:
        """Return an open order."""
        return self._open.get(command_id)

    def like(self, audience: Principal, order: Order) -> list[OpenOrder]:
        """Return the open orders of the same action about the same thing, those that wait first."""
        names = self._like.get((audience, order.action, subject(order)), ())
        return sorted((self._open[name] for name in names), key=lambda order: not order.waits)

    def open(self, order: OpenOrder) -> Iterator[Send | OpenOrder]:
        """Take an order: yield it to be sent if its enforcer is there, and the orders that gave way."""
        if order.id in self._open:
            return
        self.restore(order)
        yield from self._send(order)
        if len(self._open) > MAX_OPEN:
            yield self._close(next(iter(self._open)))

    def approve(self, order: OpenOrder, by: str, act: str, now: datetime) -> Iterator[Send]:
        """Let an order wait no longer: yield it to be sent with the act, with a life that begins now."""
        order.waits, order.ordered_by, order.act = False, by, act
        order.opened_at, order.expires_at = now, now + lifetime(order.order)
        yield from self._send(order)

    def unanswered(self, enforcer: Principal) -> Iterator[Send]:
        """Yield all that an enforcer which was just heard has not answered.

        What was sent before may have been lost; the enforcer carries out no command twice.
        """
        for name in sorted(self._of.get(enforcer, ()), key=lambda name: self._open[name].opened_at):
            yield from self._send(self._open[name])

    def settle(self, command_id: UUID, enforcer: Principal) -> OpenOrder | None:
        """Close the order that this enforcer has answered; `None` if it has no such order open."""
        order = self._open.get(command_id)
        if order is None or order.audience != enforcer:
            return None
        return self._close(command_id)

    def withdraw(self, order: OpenOrder) -> None:
        """Close an order without an outcome."""
        self._close(order.id)

    def expired(self, now: datetime) -> Iterator[OpenOrder]:
        """Close and yield the orders that nobody answered, or approved, in time."""
        for order in [order for order in self._open.values() if order.expires_at <= now]:
            yield self._close(order.id)

    def clock_moved(self, by: timedelta) -> None:
        """Let each order live as long as it would have if the server's clock had not been set."""
        for order in self._open.values():
            order.opened_at += by
            order.expires_at += by

    def _close(self, command_id: UUID) -> OpenOrder:
        order = self._open.pop(command_id)
        _remove(self._of, order.audience, command_id)
        likeness = order.audience, order.order.action, subject(order.order)
        _remove(self._like, likeness, command_id)
        return order

    def _send(self, order: OpenOrder) -> Iterator[Send]:
        if not order.waits and self._enforcers.running(order.audience):
            command = self._enforcers.command(
                order.id,
                order.audience,
                order.order,
                issued_at=order.opened_at,
                expires_at=order.expires_at,
                act=order.act,
            )
            yield Send(order.audience, command)


def _remove(names: dict[_K, set[UUID]], key: _K, name: UUID) -> None:
    """Take a name out of its set; no empty one stays."""
    names[key].discard(name)
    if not names[key]:
        del names[key]
