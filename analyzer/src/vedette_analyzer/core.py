"""The analyzer without the world: what came in and the time go in, what to send comes out."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid5

from vedette_schemas import (
    Action,
    Alert,
    Mode,
    Observation,
    Outcome,
    OutcomeStatus,
    Principal,
    Process,
    Program,
    Report,
    Status,
    Stream,
    Terminate,
)

from .detectors import Detector
from .faults import trace
from .finding import Finding
from .orders import Enforcers, OpenOrder, OpenOrders, Send, notice, target_name
from .policy import Verdict, decide
from .telling import NAMESPACE, Place, alert_for, in_words, refusal, settled

log = logging.getLogger(__name__)

REMEMBERED = 50_000
"""Observations that are known to have been judged, the latest."""

Effect = Alert | Send
"""What the analyzer wants published."""


class Analyzer:
    """Judges observations and keeps orders until they are answered."""

    def __init__(self, detectors: Sequence[Detector[Any]], mode: Callable[[str], Mode]) -> None:
        """`mode` tells a host's mode."""
        self._mode = mode
        self._watching: dict[type[Observation], list[Detector[Any]]] = {}
        for detector in detectors:
            for kind in detector.watches:
                self._watching.setdefault(kind, []).append(detector)
        self._enforcers = Enforcers()
        self._orders = OpenOrders(self._enforcers)
        self._judged: OrderedDict[tuple[Stream, int], None] = OrderedDict()

    def report(
        self, report: Report, *, received_at: datetime, now: Callable[[], datetime]
    ) -> Iterator[Effect]:
        """Judge each observation of a report; yield commands first, then alerts."""
        for number, observation in enumerate(report.items, report.first):
            if self._seen_before(report.stream, number):
                continue
            place = Place(observation, report, number, received_at, now())
            if isinstance(observation, Outcome):
                yield from self._outcome(observation, place)
            else:
                yield from self._judge(place)

    def status(self, status: Status, now: datetime) -> Iterator[Effect]:
        """Take note of a program's heartbeat; yield the commands that waited for it."""
        principal = Principal.parse(status.principal)
        if principal.program is Program.ENFORCER:
            is_new = self._enforcers.heard(status, now)
            if self._enforcers.running(principal):
                yield from self._orders.waiting(principal, now, again=is_new)

    def tick(self, now: datetime) -> Iterator[Effect]:
        """Give up the orders that nobody answered in time."""
        for order in self._orders.expired(now):
            yield from settled(order, f"not done: no answer from {order.audience} in time")

    def _seen_before(self, stream: Stream, number: int) -> bool:
        """Tell whether an observation was judged already: a broker may deliver a report twice."""
        place = (stream, number)
        if place in self._judged:
            return True
        self._judged[place] = None
        if len(self._judged) > REMEMBERED:
            self._judged.popitem(last=False)
        return False

    def _judge(self, place: Place) -> Iterator[Effect]:
        opened: dict[Process, OpenOrder] = {}
        pending: list[Effect] = []
        for finding in self._findings(place.observation):
            verdict = decide(finding, place.observation)
            obstacle = self._obstacle(verdict, place.sender.host)
            if obstacle is not None or verdict.order is None:
                mode = self._mode(place.sender.host)
                pending.append(alert_for(finding, verdict, place, mode, obstacle or "alerted"))
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
            pending.append(alert)
        for order in opened.values():
            for effect in self._orders.open(order, place.judged_at):
                if isinstance(effect, Send):
                    yield effect
                else:
                    pending.extend(settled(effect, "not done: too many orders are open"))
        yield from pending

    def _findings(self, observation: Observation) -> Iterator[Finding]:
        for detector in self._watching.get(type(observation), ()):
            try:
                yield from detector.inspect(observation)
            except Exception as error:  # noqa: BLE001 (one detector's fault must not blind the others)
                # no log.exception: an error's words may repeat what a host sent
                log.error("detector %s failed on a %s: %s", detector.name, observation.kind, trace(error))  # noqa: TRY400

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
        return OpenOrder(name, Principal(Program.ENFORCER, place.sender.host), order, place.judged_at)

    def _outcome(self, outcome: Outcome, place: Place) -> Iterator[Effect]:
        order = None
        if outcome.command_id is not None:
            order = self._orders.settle(outcome.command_id, place.sender)
        if order is None:
            if outcome.status is OutcomeStatus.REFUSED and not outcome.repeated:
                yield refusal(outcome, place)
            return
        if isinstance(order.order, Terminate):
            yield from self._tell_user(order, order.order, outcome, place)
            yield from settled(order, in_words(order.order, outcome), outcome)

    def _tell_user(
        self, order: OpenOrder, what: Terminate, outcome: Outcome, place: Place
    ) -> Iterator[Effect]:
        if outcome.status is not OutcomeStatus.DONE or what.uid is None:
            return
        reason = order.alerts[0].summary if order.alerts else ""
        told = notice(f"{target_name(what)} was closed. {reason}", what.uid)
        name = uuid5(NAMESPACE, f"{order.id}|{told.action}")
        follow = OpenOrder(name, order.audience, told, place.judged_at)
        for effect in self._orders.open(follow, place.judged_at):
            if isinstance(effect, Send):
                yield effect
