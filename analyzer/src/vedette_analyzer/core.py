"""The analyzer without the world: what came in and the time go in, what to send and to archive comes out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from vedette_archive import Answer, ArchivedCommand, ArchivedSuppression, Ending, OpenCommand, Undone
from vedette_archive import Place as Name
from vedette_schemas import (
    Act,
    Arrived,
    Block,
    Isolate,
    Mode,
    Notify,
    Observation,
    Outcome,
    OutcomeStatus,
    Principal,
    Program,
    Ranges,
    Status,
    Terminate,
    Unreadable,
    name_of,
)

from .acting import Acting
from .detectors import Detector
from .finding import Finding
from .hunting.said import Hit
from .hunting.telling import found_later
from .inspecting import Inspector
from .ordering import Ordering, given_up
from .orders import Effect, OpenOrder, Send
from .policy import Guarded
from .ration import Ration
from .telling import NAMESPACE, Place, in_words, refusal, released, settled, unsent
from .triaging import KnownIncident

BLOCK_FOR = timedelta(hours=24)
APPROVE_WITHIN = timedelta(minutes=15)

_REFUSALS, _REFUSALS_WITHIN = 30, timedelta(minutes=10)
"""Answers to commands that are not ours which are told, a host."""

_MINUTE = timedelta(minutes=1)


class Analyzer:
    """Judges observations and keeps orders until they are answered."""

    def __init__(
        self,
        detectors: Sequence[Detector[Any]],
        mode: Callable[[str], Mode],
        archived: Callable[[UUID], ArchivedCommand | None],
        *,
        block_for: timedelta = BLOCK_FOR,
        approve_within: timedelta = APPROVE_WITHIN,
        guarded: Guarded | None = None,
        incident: KnownIncident = lambda _: None,
    ) -> None:
        """`mode` tells a host's mode, `guarded` is policy's; the archive knows of a command by `archived`."""
        self._archived, self._too_common = archived, guarded
        self.inspector = Inspector()
        """Counts how detectors fare."""
        self._watching: dict[type[Observation], list[Detector[Any]]] = {}
        for detector in detectors:
            for kind in detector.watches:
                self._watching.setdefault(kind, []).append(detector)
        self._ordering = Ordering(
            mode,
            block_for=block_for,
            approve_within=approve_within,
            guarded=guarded,
            suppressible=(each.name for each in detectors if each.suppressible),
        )
        self._enforcers, self._orders = self._ordering.enforcers, self._ordering.orders
        self._standing = self._ordering.standing
        self._acting = Acting(self._ordering, archived, incident)
        self._refusals = Ration(_REFUSALS, _REFUSALS_WITHIN)
        bounded = [each for each in detectors if each.most_a_minute is not None]
        self._rations = {each.name: Ration(each.most_a_minute or 0, _MINUTE) for each in bounded}

    def restore(
        self,
        commands: Iterable[OpenCommand],
        lasting: Iterable[ArchivedCommand] = (),
        suppressions: Iterable[ArchivedSuppression] = (),
    ) -> None:
        """Take up what an analyzer before this one left open, in force, muted and suppressed."""
        for command in commands:
            self._orders.restore(OpenOrder.from_archive(command))
        self._standing.restore(lasting)
        self._ordering.suppressions.restore(suppressions)

    def expect(self, principal: Principal) -> None:
        """Take note of a program that an analyzer before this one heard."""
        if principal.program is Program.ENFORCER:
            self._enforcers.expect(principal)

    def remember(self, observation: Observation) -> None:
        """Show an archived observation to the detectors with a memory; what they find was told before."""
        for detector in self._watching.get(type(observation), ()):
            if detector.memory:
                for _ in self.inspector.inspect(detector, observation):
                    pass

    def report(
        self,
        arrived: Arrived,
        new: Ranges,
        *,
        received_at: datetime,
        now: Callable[[], datetime],
        judging: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Effect]:
        """Judge the observations of a report whose numbers are new; yield commands first.

        `judging` is told the number of each before it is judged.
        """
        later: list[Effect] = []
        self.inspector.next_report()
        for number, item in enumerate(arrived.items, arrived.envelope.first):
            if isinstance(item, Unreadable) or number not in new:
                continue
            judging(number)
            place = Place(item, arrived.envelope, number, received_at, now())
            for effect in self._outcome(item, place) if isinstance(item, Outcome) else self._judge(place):
                if isinstance(effect, Send):
                    yield effect
                else:
                    later.append(effect)
        yield from later

    @property
    def suppressed(self) -> int:
        """How many suppressions are in force."""
        return len(self._ordering.suppressions)

    def status(self, status: Status, now: datetime) -> Iterator[Effect]:
        """Take note of a program's heartbeat; yield the commands that it has not answered."""
        principal = Principal.parse(status.principal)
        if principal.program is Program.ENFORCER:
            self._enforcers.heard(status, now)
            if self._enforcers.running(principal):
                yield from self._orders.unanswered(principal)

    def act(self, act: Act, token: str, now: datetime) -> Iterator[Effect]:
        """Carry out what an operator wants; yield what it leads to, and last the act with its answer."""
        yield from self._acting.carry_out(act, token, now)

    def found_later(self, hit: Hit, now: datetime) -> Iterator[Effect]:
        """Tell of what a hunt found in the archive; nothing is ordered for it."""
        ordering = self._ordering
        yield from found_later(hit, ordering.mode(hit.host), self._too_common, ordering.suppressions, now)

    def tick(self, now: datetime) -> Iterator[Effect]:
        """Give up the orders that nobody answered, or approved, in time; end suppressions."""
        for order in self._orders.expired(now):
            who = f"no answer from {order.audience} in time"
            yield from given_up(order, f"not done: {'nobody approved it' if order.waits else who}", now)
        self._standing.tick(now)
        yield from self._ordering.suppressions.tick(now)

    def clock_moved(self, by: timedelta) -> None:
        """Take in that the server's clock was set: nothing lives longer or shorter for it."""
        self._orders.clock_moved(by)
        self._enforcers.clock_moved(by)
        self._standing.clock_moved(by)
        self._ordering.suppressions.clock_moved(by)

    def _judge(self, place: Place) -> Iterator[Effect]:
        yield from self._ordering.judge(self._findings(place), place)

    def _findings(self, place: Place) -> Iterator[Finding]:
        for detector in self._watching.get(type(place.observation), ()):
            ration = self._rations.get(detector.name)
            for finding in self.inspector.inspect(detector, place.observation):
                if ration is None or ration.take(place.sender.host, place.judged_at) is not None:
                    yield finding

    def _outcome(self, outcome: Outcome, place: Place) -> Iterator[Effect]:
        if outcome.status is OutcomeStatus.RELEASED:
            yield from self._released(outcome, place)
            return
        order = None if outcome.command_id is None else self._answered(outcome.command_id, place.sender)
        if order is None:
            yield from self._not_ours(outcome, place)
            return
        until = self._in_force(order, outcome, place)
        name = Name(place.envelope.stream, place.number)
        yield Answer(order.id, Ending(outcome.status), place.judged_at, name, until)
        if isinstance(order.order, Terminate):
            yield from self._tell_user(order, order.order, outcome, place)
        if not isinstance(order.order, Notify):
            yield from settled(order, in_words(order.order, outcome), outcome)

    def _not_ours(self, outcome: Outcome, place: Place) -> Iterator[Effect]:
        """Tell of an answer to no order of ours to who answers: refused, or done by somebody else's word."""
        was_refused = outcome.status is OutcomeStatus.REFUSED
        if outcome.repeated or not (was_refused or self._never_sent(outcome, place.sender)):
            return
        held_back = self._refusals.take(place.sender.host, place.judged_at)
        if held_back is not None:
            yield (refusal if was_refused else unsent)(outcome, place, held_back)

    def _never_sent(self, outcome: Outcome, enforcer: Principal) -> bool:
        known = None if outcome.command_id is None else self._known(outcome.command_id)
        return known is None or known.audience != enforcer

    def _in_force(self, order: OpenOrder, outcome: Outcome, place: Place) -> datetime | None:
        """Take note of what an outcome puts into force; return until when, by our clock."""
        if outcome.status is not OutcomeStatus.DONE or not isinstance(order.order, Block | Isolate):
            return None
        until = self._lasts_until(order, order.order, outcome, place)
        self._standing.begin(order.id, order.audience, order.order, until, order.indicator)
        return until

    def _lasts_until(
        self, order: OpenOrder, what: Block | Isolate, outcome: Outcome, place: Place
    ) -> datetime:
        taken_at = self._enforcers.in_our_time(order.audience, outcome.taken_at)
        taken_at = max(order.opened_at, min(taken_at, place.judged_at))
        return taken_at + timedelta(seconds=what.ttl_seconds)

    def _released(self, outcome: Outcome, place: Place) -> Iterator[Effect]:
        """Take note of what a host's own console took back; as an undo does, that mutes what led to it."""
        name, host = outcome.command_id, place.sender.host
        if name is None:
            return
        found = self._standing.lasting(name)
        if found is not None:
            audience, indicator, until = found.like[0], found.indicator, found.until
        else:
            order = self._known(name)
            if order is None or not isinstance(order.order, Block | Isolate):
                return
            audience, indicator = order.audience, order.indicator
            until = self._lasts_until(order, order.order, outcome, place)
        if audience == place.sender:
            by = f"the console of {host}"
            self._standing.undo(name, audience, indicator, until, by)
            yield Undone(name, by, place.judged_at, until, lifted=True)
            yield released(outcome, name, self._ordering.mode(host), place)

    def _known(self, name: UUID) -> OpenOrder | None:
        """Return an order, open or not."""
        known = None if self._orders.get(name) else self._archived(name)
        return self._orders.get(name) if known is None else OpenOrder.from_archive(known)

    def _answered(self, command_id: UUID, enforcer: Principal) -> OpenOrder | None:
        """Return the order that this enforcer has answered: an open one, or one it was too late for."""
        order = self._orders.settle(command_id, enforcer)
        if order is None:
            known = self._archived(command_id)
            endings = (None, Ending.EXPIRED, Ending.WITHDRAWN)
            if known and known.ending in endings and known.audience == str(enforcer):
                order = OpenOrder.from_archive(known)
        return order

    def _tell_user(
        self, order: OpenOrder, what: Terminate, outcome: Outcome, place: Place
    ) -> Iterator[Effect]:
        if outcome.status is not OutcomeStatus.DONE or what.uid is None:
            return
        reason = order.alerts[0].summary if order.alerts else ""
        text = f"{name_of(what)} was closed. {reason}"
        told = Notify(uid=what.uid, title="Vedette closed a program", text=text[:400])
        name = uuid5(NAMESPACE, f"{order.id}|{told.action}")
        now = place.judged_at
        yield from self._ordering.open(OpenOrder.new(name, order.audience, told, now), now)
