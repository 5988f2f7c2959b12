"""What stands on the hosts: blocks and isolations in force, and the indicators that an undo has muted."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from vedette_archive import ArchivedCommand, Ending
from vedette_schemas import Order, Principal

from .orders import Subject, subject

MAX_STANDING = 20_000

_Like = tuple[Principal, str, Subject]


@dataclass(frozen=True, slots=True)
class Lasting:
    """Something that lasts until its time is over, by the server's clock; `indicator` led to it."""

    name: UUID
    like: _Like
    until: datetime
    indicator: str | None


@dataclass(frozen=True, slots=True)
class Muted:
    """Until when findings of an indicator only alert on a host, and who undid what it had led to."""

    until: datetime
    by: str


class Standing:
    """What is in force and what is muted; bounded, what began first is forgotten first."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lasting: OrderedDict[UUID, Lasting] = OrderedDict()
        self._like: dict[_Like, set[UUID]] = {}
        self._muted: OrderedDict[tuple[Principal, str], Muted] = OrderedDict()
        self._undone: OrderedDict[UUID, datetime] = OrderedDict()

    def restore(self, commands: Iterable[ArchivedCommand]) -> None:
        """Take up what lasts longer than the analyzer did that ordered it."""
        for command in commands:
            audience = Principal.parse(command.audience)
            if command.until is None:
                continue
            if command.undone_by is not None:
                self.undo(command.id, audience, command.indicator, command.until, command.undone_by)
            elif command.ending is Ending.DONE:
                self.begin(command.id, audience, command.order, command.until, command.indicator)

    def begin(
        self, name: UUID, audience: Principal, order: Order, until: datetime, indicator: str | None
    ) -> None:
        """Take note that something was put into force, unless that was undone meanwhile."""
        if name in self._undone:
            return
        like = audience, order.action, subject(order)
        self._lasting[name] = Lasting(name, like, until, indicator)
        self._like.setdefault(like, set()).add(name)
        if len(self._lasting) > MAX_STANDING:
            self.end(next(iter(self._lasting)))

    def lasting(self, name: UUID) -> Lasting | None:
        """Return what is in force under this name."""
        return self._lasting.get(name)

    def end(self, name: UUID) -> None:
        """Take note that something is not in force any more."""
        lasting = self._lasting.pop(name, None)
        if lasting is not None:
            names = self._like[lasting.like]
            names.discard(name)
            if not names:
                del self._like[lasting.like]

    def undo(self, name: UUID, audience: Principal, indicator: str | None, until: datetime, by: str) -> None:
        """End something, and let findings of its indicator on this host lead to alerts alone until then.

        Whoever undoes it a second time changes nothing: the archive, too, names the first.
        """
        self.end(name)
        if name in self._undone:
            return
        self._undone[name] = until
        before = None if indicator is None else self._muted.get((audience, indicator))
        if indicator is not None and (before is None or before.until < until):
            self._muted[audience, indicator] = Muted(until, by)
        for bounded in (self._undone, self._muted):
            if len(bounded) > MAX_STANDING:
                bounded.popitem(last=False)

    def in_force_until(self, audience: Principal, order: Order, now: datetime) -> datetime | None:
        """Return until when the same thing is in force there already; `None` where it is not."""
        names = self._like.get((audience, order.action, subject(order)), ())
        until = max((self._lasting[name].until for name in names), default=now)
        return until if until > now else None

    def muted(self, audience: Principal, indicator: str | None, now: datetime) -> Muted | None:
        """Return who muted an indicator on this host, and until when; `None` where nobody has."""
        found = None if indicator is None else self._muted.get((audience, indicator))
        return found if found is not None and found.until > now else None

    def tick(self, now: datetime) -> None:
        """Forget what is over."""
        for name in [name for name, lasting in self._lasting.items() if lasting.until <= now]:
            self.end(name)
        for key in [key for key, muted in self._muted.items() if muted.until <= now]:
            del self._muted[key]
        for name in [name for name, until in self._undone.items() if until <= now]:
            del self._undone[name]

    def clock_moved(self, by: timedelta) -> None:
        """Let all last as long as it would have if the server's clock had not been set."""
        for name, lasting in self._lasting.items():
            self._lasting[name] = replace(lasting, until=lasting.until + by)
        for key, muted in self._muted.items():
            self._muted[key] = replace(muted, until=muted.until + by)
        for name, until in self._undone.items():
            self._undone[name] = until + by
