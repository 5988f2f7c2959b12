"""The analyzer without the world: what came in and the time go in, what to send and to archive comes out."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from vedette_archive import Answer, ArchivedCommand, Ending, Judged, OpenCommand
from vedette_archive import Place as Name
from vedette_schemas import (
    Action,
    Alert,
    Arrived,
    Mode,
    Observation,
    Outcome,
    OutcomeStatus,
    Principal,
    Process,
    Program,
    Ranges,
    Status,
    Terminate,
    Unreadable,
)

from .detectors import Detector
from .faults import trace
from .finding import Finding
from .orders import Enforcers, OpenOrder, OpenOrders, Send, notice, target_name
from .policy import Verdict, decide
from .ration import Ration
from .telling import NAMESPACE, Place, alert_for, in_words, refusal, settled

log = logging.getLogger(__name__)

Effect = Send | Judged | OpenCommand | Answer | Alert
"""What the analyzer wants: a `Send` published at once, all else archived."""


_REFUSALS, _REFUSALS_WITHIN = 30, timedelta(minutes=10)
"""Refusals of commands that are not ours which are told, a host."""


class Analyzer:
    """Judges observations and keeps orders until they are answered."""

    def __init__(
        self,
        detectors: Sequence[Detector[Any]],
        mode: Callable[[str], Mode],
        archived: Callable[[UUID], ArchivedCommand | None],
    ) -> None:
        """`mode` tells a host's mode, `archived` what the archive knows of a command."""
        self._mode, self._archived = mode, archived
        self._watching: dict[type[Observation], list[Detector[Any]]] = {}
        for detector in detectors:
            for kind in detector.watches:
                self._watching.setdefault(kind, []).append(detector)
        self._enforcers = Enforcers()
        self._orders = OpenOrders(self._enforcers)
        self._refusals = Ration(_REFUSALS, _REFUSALS_WITHIN)

    def restore(self, commands: Iterable[OpenCommand]) -> None:
        """Take up the commands that an analyzer before this one left open."""
        for command in commands:
            self._orders.restore(OpenOrder.from_archive(command))

    def remember(self, observation: Observation) -> None:
        """Show an archived observation to the detectors with a memory; what they find was told before."""
        for detector in self._watching.get(type(observation), ()):
            if detector.memory:
                for _ in _guarded(detector, observation):
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

    def status(self, status: Status, now: datetime) -> Iterator[Effect]:
        """Take note of a program's heartbeat; yield the commands that it has not answered."""
        principal = Principal.parse(status.principal)
        if principal.program is Program.ENFORCER:
            self._enforcers.heard(status, now)
            if self._enforcers.running(principal):
                yield from self._orders.waiting(principal, now)

    def tick(self, now: datetime) -> Iterator[Effect]:
        """Give up the orders that nobody answered in time."""
        for order in self._orders.expired(now):
            yield from _given_up(order, f"not done: no answer from {order.audience} in time", now)

    def clock_moved(self, by: timedelta) -> None:
        """Take in that the server's clock was set: no order lives longer or shorter for it."""
        self._orders.clock_moved(by)
        self._enforcers.clock_moved(by)

    def _judge(self, place: Place) -> Iterator[Effect]:
        opened: dict[Process, OpenOrder] = {}
        later: list[Effect] = []
        for finding in self._findings(place.observation):
            verdict = decide(finding, place.observation)
            later.append(_judged(finding, verdict, place))
            obstacle = self._obstacle(verdict, place.sender.host)
            if obstacle is not None or verdict.order is None:
                mode = self._mode(place.sender.host)
                later.append(alert_for(finding, verdict, place, mode, obstacle or "alerted"))
                continue
            order = opened.get(verdict.order.process)
            if order is None:
                order = self._new_order(finding, verdict.order, place)
                opened[verdict.order.process] = order
            elif verdict.order.others:
                order.order = verdict.order  # the wider one of two serves both
            doing = f"ending {target_name(verdict.order)}"
            alert = alert_for(finding, verdict, place, Mode.ENFORCE, doing, order.id)
            order.alerts.append(alert)
            later.append(alert)
        for order in opened.values():
            yield from self._open(order, place.judged_at)
        yield from later

    def _open(self, order: OpenOrder, now: datetime) -> Iterator[Effect]:
        for effect in self._orders.open(order, now):
            if isinstance(effect, Send):
                yield effect
            else:
                yield from _given_up(effect, "not done: too many orders are open", now)
        yield order.record

    def _findings(self, observation: Observation) -> Iterator[Finding]:
        for detector in self._watching.get(type(observation), ()):
            yield from _guarded(detector, observation)

    def _obstacle(self, verdict: Verdict, host: str) -> str | None:
        """Return, for people, why a verdict is not carried out; `None` if it is."""
        if verdict.action is Action.ALERT:
            return f"alerted: {verdict.reason}" if verdict.reason else "alerted"
        what = f"end {target_name(verdict.order)}" if verdict.order else f"block {verdict.block}"
        mode = self._mode(host)
        if mode is Mode.OBSERVE:
            return f"observe mode: would {what}"
        if mode is Mode.APPROVE:
            return f"not done, since approving is not built into this version: {what}"
        obstacle = self._enforcers.obstacle(Principal(Program.ENFORCER, host), verdict.action)
        if obstacle is None and verdict.order is None:
            obstacle = "not built into this version"
        return None if obstacle is None else f"could not {what}: {obstacle}"

    def _new_order(self, finding: Finding, order: Terminate, place: Place) -> OpenOrder:
        name = place.derive(finding.key, order.action)
        enforcer = Principal(Program.ENFORCER, place.sender.host)
        return OpenOrder.new(name, enforcer, order, place.judged_at)

    def _outcome(self, outcome: Outcome, place: Place) -> Iterator[Effect]:
        order = None if outcome.command_id is None else self._answered(outcome.command_id, place.sender)
        if order is None:
            if outcome.status is OutcomeStatus.REFUSED and not outcome.repeated:
                held_back = self._refusals.take(place.sender.host, place.judged_at)
                if held_back is not None:
                    yield refusal(outcome, place, held_back)
            return
        name = Name(place.envelope.stream, place.number)
        yield Answer(order.id, Ending(outcome.status), place.judged_at, name)
        if isinstance(order.order, Terminate):
            yield from self._tell_user(order, order.order, outcome, place)
            yield from settled(order, in_words(order.order, outcome), outcome)

    def _answered(self, command_id: UUID, enforcer: Principal) -> OpenOrder | None:
        """Return the order that this enforcer has answered: an open one, or one it was too late for."""
        order = self._orders.settle(command_id, enforcer)
        if order is None:
            known = self._archived(command_id)
            if known and known.ending in (None, Ending.EXPIRED) and known.audience == str(enforcer):
                order = OpenOrder.from_archive(known)
        return order

    def _tell_user(
        self, order: OpenOrder, what: Terminate, outcome: Outcome, place: Place
    ) -> Iterator[Effect]:
        if outcome.status is not OutcomeStatus.DONE or what.uid is None:
            return
        reason = order.alerts[0].summary if order.alerts else ""
        told = notice(f"{target_name(what)} was closed. {reason}", what.uid)
        name = uuid5(NAMESPACE, f"{order.id}|{told.action}")
        yield from self._open(OpenOrder.new(name, order.audience, told, place.judged_at), place.judged_at)


def _guarded(detector: Detector[Any], observation: Observation) -> Iterator[Finding]:
    """Yield what a detector finds; its fault must not blind the others."""
    try:
        yield from detector.inspect(observation)
    except Exception as error:  # noqa: BLE001
        # no log.exception: an error's words may repeat what a host sent
        log.error("detector %s failed on a %s: %s", detector.name, observation.kind, trace(error))  # noqa: TRY400


def _given_up(order: OpenOrder, why: str, now: datetime) -> Iterator[Effect]:
    yield Answer(order.id, Ending.EXPIRED, now)
    yield from settled(order, why)


def _judged(finding: Finding, verdict: Verdict, place: Place) -> Judged:
    """Return a finding and the verdict on it as the archive keeps them."""
    found = finding.match
    told: dict[str, object] = {"summary": finding.summary, "technique": finding.technique}
    if found is not None:
        row = found.indicator
        told |= {"where": finding.where, "subject": found.subject}
        told["indicator"] = {"type": row.type, "value": row.value, "list": row.list, "line": row.line}
    order = None if verdict.order is None else verdict.order.model_dump(mode="json")
    decided = {"action": verdict.action, "order": order, "block": verdict.block, "reason": verdict.reason}
    return Judged(
        place=Name(place.envelope.stream, place.number),
        key=finding.key,
        judged_at=place.judged_at,
        detector=finding.detector,
        severity=finding.severity,
        finding=json.dumps(told),
        action=verdict.action,
        verdict=json.dumps(decided),
    )
