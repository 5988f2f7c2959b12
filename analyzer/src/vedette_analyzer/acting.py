"""What operators do by signed acts: approve, undo, order by hand. Each leads to an archived answer."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from vedette_archive import Answer, Approved, ArchivedCommand, Ending, Undone
from vedette_schemas import (
    Act,
    Approve,
    Block,
    Direct,
    Isolate,
    Lift,
    Mode,
    Order,
    Principal,
    Program,
    SelfTest,
    Suppress,
    TakeBack,
    Terminate,
    Triage,
    Undo,
    digest,
    ordered_id,
)

from .answering import Done, NotDoneError, answered
from .ordering import Ordering
from .orders import Effect, OpenOrder
from .suppressing import lift, suppress
from .telling import act_alert, approved, settled
from .triaging import KnownIncident, triage
from .words import day_and_time, doing, for_how_long, short, to_do


class Acting:
    """Carries out acts whose authors are known to be who they say."""

    def __init__(
        self,
        ordering: Ordering,
        archived: Callable[[UUID], ArchivedCommand | None],
        incident: KnownIncident,
    ) -> None:
        """Act on the orders of `ordering`; the archive knows of a command, of an incident by the others."""
        self._ordering, self._archived, self._incident = ordering, archived, incident

    def carry_out(self, act: Act, token: str, now: datetime) -> Iterator[Effect]:
        """Yield what an act leads to, and last the act as it is archived, with its answer."""
        effects: list[Effect] = []
        try:
            match act.what:
                case Approve() as what:
                    done = self._approve(what, act, token, now, effects)
                case TakeBack(command_id=name):
                    done = self._take_back(name, act, now, effects)
                case Direct() as what:
                    done = self._direct(what, act, token, now, effects)
                case Suppress() as what:
                    done = suppress(self._ordering.suppressions, what, act, now, effects)
                case Lift() as what:
                    done = lift(self._ordering.suppressions, what, act, now, effects)
                case Triage() as what:
                    done = triage(self._incident, what, act, now, effects)
        except NotDoneError as error:
            yield answered(act, token, now, error)
            return
        yield from effects
        yield answered(act, token, now, done)

    def _approve(self, what: Approve, act: Act, token: str, now: datetime, effects: list[Effect]) -> Done:
        name = what.command_id
        order = self._ordering.orders.get(name)
        if order is None:
            raise NotDoneError(self._why_not_open(name))
        if not order.waits:
            raise NotDoneError(_why_not_waiting(name, order.ordered_by))
        host = order.audience.host
        if (what.host, what.order) != (host, digest(order.order)):
            raise NotDoneError(f"command {short(name)} is not what was approved: look at 'vedette actions'")
        if self._ordering.mode(host) is Mode.OBSERVE:
            raise NotDoneError(f"{host} is in observe mode: nothing is done there")
        self._needs_ability(order.order, host)
        effects += self._ordering.orders.approve(order, act.author, token, now)
        effects.append(Approved(name, act.author, now, order.expires_at, token))
        order.alerts = list(approved(order))
        effects += order.alerts
        return Done(f"{host}: {doing(order.order)}", name)

    def _take_back(self, name: UUID, act: Act, now: datetime, effects: list[Effect]) -> Done:
        order = self._ordering.orders.get(name)
        if order is not None and isinstance(order.order, Undo):
            raise NotDoneError("an undo can't be undone: block or isolate anew")
        if order is None:
            return self._undo_archived(name, act, now, effects)
        self._ordering.orders.withdraw(order)
        waited = order.waits
        did = "declined it" if waited else "took it back before the host had answered"
        effects.append(Answer(name, Ending.WITHDRAWN, now))
        effects += settled(order, f"not done: {act.author} {did}")
        if isinstance(order.order, Block | Isolate):
            effects += self._mute(name, order.audience, order.order, order.indicator, act, now)
        if waited:
            return Done(f"{order.audience.host}: will not {to_do(order.order)}", name)
        return self._undo(name, order.audience, order.order, act, now, effects)

    def _undo_archived(self, name: UUID, act: Act, now: datetime, effects: list[Effect]) -> Done:
        known = self._archived(name)
        if known is None:
            raise NotDoneError(f"command {short(name)} is not known")
        order = known.order
        if isinstance(order, Terminate) and known.ending is Ending.DONE:
            raise NotDoneError("a program that was ended can't be brought back")
        if not isinstance(order, Block | Isolate) or known.ending in (Ending.REFUSED, Ending.FAILED):
            raise NotDoneError(f"there is nothing to undo: {self._why_not_open(name)}")
        if known.lifted:
            raise NotDoneError(f"{known.undone_by} has undone it already")
        if known.until is not None and known.until <= now:
            raise NotDoneError(f"it was over at {day_and_time(known.until)}")
        audience = Principal.parse(known.audience)
        effects += self._mute(name, audience, order, known.indicator, act, now, known.until)
        return self._undo(name, audience, order, act, now, effects)

    def _undo(
        self, name: UUID, audience: Principal, order: Order, act: Act, now: datetime, effects: list[Effect]
    ) -> Done:
        undo = Undo(command_id=name)
        summary = f"{act.author} undoes what was ordered on {audience.host}: {to_do(order)}"
        opened = self._open(undo, audience, summary, act, now, effects)
        words = f"{audience.host}: undoing what was ordered: {to_do(order)}{self._if_away(audience)}"
        return Done(words, opened.id)

    def _mute(
        self,
        name: UUID,
        audience: Principal,
        order: Block | Isolate,
        indicator: str | None,
        act: Act,
        now: datetime,
        until: datetime | None = None,
    ) -> Iterator[Undone]:
        until = until or now + timedelta(seconds=order.ttl_seconds)
        self._ordering.standing.undo(name, audience, indicator, until, act.author)
        yield Undone(name, act.author, now, until)

    def _direct(self, what: Direct, act: Act, token: str, now: datetime, effects: list[Effect]) -> Done:
        host, order = what.host, what.order
        enforcer = Principal(Program.ENFORCER, host)
        if not self._ordering.enforcers.knows(enforcer):
            raise NotDoneError(f"no enforcer of {host} has been heard")
        is_test = isinstance(order, SelfTest)
        if self._ordering.enforcers.ceiling(enforcer) is Mode.OBSERVE and not is_test:
            raise NotDoneError(f"{host} itself allows nothing but observing")
        self._needs_ability(order, host)
        how_long = "" if isinstance(order, SelfTest) else f" for {for_how_long(order.ttl_seconds)}"
        summary = f"{act.author} ordered {host}: {to_do(order)}{how_long}"
        opened = self._open(order, enforcer, summary, act, now, effects, token)
        words = f"{host}: {doing(order)}{how_long}{self._if_away(enforcer)}"
        to_end = "" if is_test else f"; to end it sooner: vedette undo {short(opened.id)}"
        return Done(f"{words}{to_end}", opened.id)

    def _open(
        self,
        order: Order,
        audience: Principal,
        summary: str,
        act: Act,
        now: datetime,
        effects: list[Effect],
        token: str | None = None,
    ) -> OpenOrder:
        name = ordered_id(act.id, order)
        opened = OpenOrder.new(name, audience, order, now, ordered_by=act.author, act=token)
        opened.alerts.append(act_alert(act, summary, opened, self._ordering.mode(audience.host)))
        effects += self._ordering.open(opened, now)
        effects += opened.alerts
        return opened

    def _needs_ability(self, order: Order, host: str) -> None:
        obstacle = self._ordering.obstacle(order, host)
        if obstacle is not None:
            raise NotDoneError(obstacle)

    def _if_away(self, enforcer: Principal) -> str:
        return (
            "" if self._ordering.enforcers.running(enforcer) else ", as soon as its enforcer is there again"
        )

    def _why_not_open(self, name: UUID) -> str:
        known = self._archived(name)
        if known is None or known.ending is None:
            return f"command {short(name)} is not known"
        if known.undone_by is not None:
            return f"{known.undone_by} has undone it already"
        if known.ending is Ending.EXPIRED and known.waits:
            return f"nobody approved command {short(name)} in time"
        if known.ordered_by is not None:
            return f"{known.ordered_by} has approved it already, and it has ended: {known.ending}"
        return f"command {short(name)} has ended: {known.ending}"


def _why_not_waiting(name: UUID, by: str | None) -> str:
    """Return why there is nothing to approve: it needs no approval, or has it."""
    if by is None:
        return f"command {short(name)} waits for nobody: it is under way"
    return f"{by} has approved it already: it is under way"
