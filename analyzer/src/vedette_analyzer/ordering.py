"""From verdicts to orders: what stands against each, what is ordered already, what waits for an operator."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from vedette_archive import Answer, Ending, Judged, Suppression
from vedette_archive import Place as Name
from vedette_indicators import block_target
from vedette_schemas import (
    Action,
    Alert,
    Block,
    Mode,
    Order,
    Principal,
    Program,
    Terminate,
)

from .enforcers import Enforcers
from .finding import Finding
from .orders import Effect, OpenOrder, OpenOrders, Send, Subject, subject
from .policy import Guarded, Verdict, decide
from .standing import Standing
from .suppressing import hidden
from .suppressions import Suppressions
from .telling import Place, alert_for, settled
from .words import day_and_time, doing, short, to_do

_LOWEST_FIRST = (Mode.OBSERVE, Mode.APPROVE, Mode.ENFORCE)


class Ordering:
    """Turns findings into orders, and opens these."""

    def __init__(
        self,
        mode: Callable[[str], Mode],
        *,
        block_for: timedelta,
        approve_within: timedelta,
        guarded: Guarded | None = None,
        suppressible: Iterable[str] = (),
    ) -> None:
        """`mode` tells the mode that the server has for a host, `guarded` what is too common to block.

        `suppressible` are the detectors whose findings operators may suppress.
        """
        self._guarded = guarded
        self._mode, self._block_for, self._approve_within = mode, block_for, approve_within
        self.enforcers = Enforcers()
        self.orders = OpenOrders(self.enforcers)
        self.standing = Standing()
        self.suppressions = Suppressions(suppressible)

    def mode(self, host: str) -> Mode:
        """Return the lower of the server's mode for a host and what the host itself allows."""
        modes = (self._mode(host), self.enforcers.ceiling(Principal(Program.ENFORCER, host)))
        return min(modes, key=_LOWEST_FIRST.index)

    def judge(self, findings: Iterable[Finding], place: Place) -> Iterator[Effect]:
        """Yield what the findings in one observation lead to, commands first."""
        opened: dict[Subject, OpenOrder] = {}
        later: list[Effect] = []
        for finding in findings:
            verdict = decide(finding, place.observation, self._guarded)
            by = self.suppressions.hiding(finding, place.sender.host, place.judged_at)
            later.append(_judged(finding, verdict, place, by))
            if by is not None:
                mode = self.mode(place.sender.host)
                later.append(hidden(alert_for(finding, verdict.action, place, mode, ""), by))
                continue
            later += self._carry_out(finding, verdict, place, opened)
        for order in opened.values():
            yield from self.open(order, place.judged_at)
        yield from later

    def open(self, order: OpenOrder, now: datetime) -> Iterator[Effect]:
        """Open an order: it is sent if it can be, and archived."""
        for effect in self.orders.open(order):
            if isinstance(effect, Send):
                yield effect
            else:
                yield from given_up(effect, "not done: too many orders are open", now)
        yield order.record

    def obstacle(self, order: Order, host: str) -> str | None:
        """Return, for people, why a host can't carry this out; `None` if it can."""
        why = self.enforcers.obstacle(Principal(Program.ENFORCER, host), Action(order.action))
        return None if why is None else f"could not {to_do(order)}: {why}"

    def _carry_out(
        self, finding: Finding, verdict: Verdict, place: Place, opened: dict[Subject, OpenOrder]
    ) -> Iterator[Alert]:
        mode = self.mode(place.sender.host)
        why = self._only_alerted(finding, verdict, place)
        orders = [] if why is not None else list(self._wanted(finding, verdict))
        if not orders:
            why = why or "alerted: what it names can't be blocked as it stands"
            yield alert_for(finding, verdict.action, place, mode, why)
        for number, order in enumerate(orders):
            action, further = Action(order.action), number > 0
            obstacle = self._obstacle(order, place)
            if obstacle is not None:
                yield alert_for(finding, action, place, mode, obstacle, further=further)
                continue
            to_open = opened.get(subject(order))
            if to_open is None:
                to_open = opened[subject(order)] = self._new_order(finding, order, place)
            elif isinstance(order, Terminate) and order.others:
                to_open.order = order  # the wider one of two serves both
            done = _asking(to_open) if to_open.waits else doing(order)
            alert = alert_for(finding, action, place, mode, done, command_id=to_open.id, further=further)
            to_open.alerts.append(alert)
            yield alert

    def _only_alerted(self, finding: Finding, verdict: Verdict, place: Place) -> str | None:
        """Return, for people, why a finding only alerts; `None` if it does not."""
        if verdict.action is Action.ALERT:
            return f"alerted: {verdict.reason}" if verdict.reason else "alerted"
        muted = self.standing.muted(_enforcer(place), finding.indicator, place.judged_at)
        if muted is not None:
            return f"alerted: no more than that until {day_and_time(muted.until)}, since {muted.by} undid it"
        return None

    def _wanted(self, finding: Finding, verdict: Verdict) -> Iterator[Order]:
        if verdict.order is not None:
            yield verdict.order
        target = None if verdict.block is None else block_target(verdict.block)
        if target is not None:
            ttl = int(self._block_for.total_seconds())
            yield Block(target=target, ttl_seconds=ttl, why=finding.summary[:300])

    def _obstacle(self, order: Order, place: Place) -> str | None:
        """Return, for people, why an order is not opened; `None` if it is."""
        enforcer, now = _enforcer(place), place.judged_at
        if self.mode(enforcer.host) is Mode.OBSERVE:
            return f"observe mode: would {to_do(order)}"
        obstacle = self.obstacle(order, enforcer.host)
        if obstacle is not None:
            return obstacle
        until = self.standing.in_force_until(enforcer, order, now)
        if until is not None:
            return f"is blocked already, until {day_and_time(until)}"
        same = self.orders.like(enforcer, order)
        if same and same[0].waits:
            return f"already {_asking(same[0])}"
        return f"already {doing(order)}" if same and isinstance(order, Block) else None

    def _new_order(self, finding: Finding, order: Order, place: Place) -> OpenOrder:
        enforcer = _enforcer(place)
        needs_approval = self.mode(enforcer.host) is Mode.APPROVE
        return OpenOrder.new(
            place.derive(finding.key, order.action),
            enforcer,
            order,
            place.judged_at,
            approve_within=self._approve_within if needs_approval else None,
            indicator=finding.indicator,
        )


def given_up(order: OpenOrder, why: str, now: datetime) -> Iterator[Effect]:
    """Yield what is archived of an order that has ended without an outcome."""
    yield Answer(order.id, Ending.EXPIRED, now)
    yield from settled(order, why)


def _asking(order: OpenOrder) -> str:
    until = f"{order.expires_at:%H:%M} UTC"
    return f"waits for approval until {until}: vedette approve {short(order.id)} (to {to_do(order.order)})"


def _enforcer(place: Place) -> Principal:
    return Principal(Program.ENFORCER, place.sender.host)


def _judged(finding: Finding, verdict: Verdict, place: Place, by: Suppression | None) -> Judged:
    """Return a finding and the verdict on it as the archive keeps them, with what hides it."""
    found = finding.match
    told: dict[str, object] = {"summary": finding.summary, "technique": finding.technique}
    if found is not None:
        row = found.indicator
        told |= {"where": finding.where, "subject": found.subject}
        told["indicator"] = {"type": row.type, "value": row.value, "list": row.list, "line": row.line}
    order = None if verdict.order is None else verdict.order.model_dump(mode="json")
    decided = {"action": verdict.action, "order": order, "block": verdict.block, "reason": verdict.reason}
    if by is not None:
        decided["suppressed_by"] = str(by.id)
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
