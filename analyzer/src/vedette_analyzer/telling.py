"""What operators are told: from finding, verdict and outcome to alert."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from vedette_schemas import (
    Act,
    Action,
    Alert,
    Envelope,
    Match,
    Mode,
    Observation,
    Order,
    Origin,
    Outcome,
    OutcomeStatus,
    Principal,
    Severity,
    State,
    Stopped,
    Terminate,
    Times,
    WindowFocused,
    name_of,
)

from .finding import Finding
from .orders import OpenOrder
from .ration import with_held_back
from .words import doing

NAMESPACE = UUID("0a2fbf6b-6c1f-5c0e-9c2b-0d3f6f1f7f10")
"""Alerts and commands are named below this: what is judged again gets the same names."""

RELEASED = "released"
"""The detector of alerts about what was taken back at a host's own console."""

ACT = "act"
"""The detector of alerts about what operators ordered."""


@dataclass(frozen=True, slots=True)
class Place:
    """An observation, where it stands, and when it came."""

    observation: Observation
    envelope: Envelope
    number: int
    received_at: datetime
    judged_at: datetime

    @property
    def sender(self) -> Principal:
        """Who reported it."""
        return Principal.parse(self.envelope.sender)

    def derive(self, *parts: str) -> UUID:
        """Return the name of what follows from this observation: always the same one."""
        stream = self.envelope.stream
        return uuid5(NAMESPACE, "|".join((*stream, str(self.number), *parts)))

    @property
    def origin(self) -> Origin:
        """The observation as an alert tells it: a window's title, but nothing of a clipboard's text."""
        seen = self.observation
        excerpt = seen.title[:300] if isinstance(seen, WindowFocused) else ""
        uid = None if isinstance(seen, Outcome | Stopped) else seen.uid
        return Origin(
            principal=self.envelope.sender,
            spool=self.envelope.spool,
            kind=self.envelope.kind,
            number=self.number,
            uid=uid,
            excerpt=excerpt,
        )

    @property
    def times(self) -> Times:
        """When each hop had it, as far as it came."""
        return Times(
            seen_at=self.observation.seen_at,
            sent_at=self.envelope.sent_at,
            received_at=self.received_at,
            judged_at=self.judged_at,
        )


def match_of(finding: Finding) -> Match | None:
    """Return which entry of which list hit what, as alerts tell it; `None` where it was no list."""
    found = finding.match
    if found is None or finding.where is None:
        return None
    return Match(
        type=found.indicator.type,
        value=found.indicator.written[:1000],
        subject=found.subject[:1000],
        where=finding.where,
        list=found.indicator.list,
        line=found.indicator.line,
        comment=found.indicator.comment[:1000],
    )


def alert_for(
    finding: Finding,
    action: Action,
    place: Place,
    mode: Mode,
    done: str,
    *,
    command_id: UUID | None = None,
    further: bool = False,
) -> Alert:
    """Return the alert for a finding; with `command_id` it is pending until that command is answered.

    A finding with two orders has two alerts; `further` is the second.
    """
    return Alert(
        id=place.derive(finding.key, "told", *([action] if further else [])),
        state=State.FINAL if command_id is None else State.PENDING,
        at=place.judged_at,
        host=place.sender.host,
        severity=finding.severity,
        detector=finding.detector,
        summary=finding.summary[:1000],
        mode=mode,
        action=action,
        done=done[:1000],
        technique=finding.technique,
        match=match_of(finding),
        origin=place.origin,
        command_id=command_id,
        times=place.times,
    )


def act_alert(act: Act, summary: str, order: OpenOrder, mode: Mode) -> Alert:
    """Return the alert about what an operator has ordered, pending until the order is answered."""
    return Alert(
        id=uuid5(NAMESPACE, f"{act.id}|told"),
        state=State.PENDING,
        at=order.opened_at,
        host=order.audience.host,
        severity=Severity.INFO,
        detector=ACT,
        summary=summary[:1000],
        mode=mode,
        action=Action(order.order.action),
        done=doing(order.order)[:1000],
        command_id=order.id,
    )


def approved(order: OpenOrder) -> Iterator[Alert]:
    """Yield an order's alerts again, pending still, as of when it was approved."""
    at = order.opened_at
    for alert in order.alerts:
        done = f"{doing(order.order)}, approved by {order.ordered_by}"
        times = alert.times and alert.times.model_copy(update={"approved_at": at})
        yield alert.model_copy(update={"done": done[:1000], "at": at, "times": times})


def settled(order: OpenOrder, done: str, outcome: Outcome | None = None) -> Iterator[Alert]:
    """Yield an order's alerts again, final; of one that had to be approved they say who did."""
    for alert in order.alerts:
        times = alert.times
        was_approved = order.ordered_by is not None and alert.detector != ACT
        words = f"{done[:900]} (approved by {order.ordered_by})" if was_approved else done[:1000]
        if times is not None and outcome is not None:
            times = times.model_copy(update={"taken_at": outcome.taken_at, "ended_at": outcome.seen_at})
        status = None if outcome is None else outcome.status
        yield alert.model_copy(
            update={"state": State.FINAL, "done": words, "outcome": status, "times": times}
        )


def in_words(order: Order, outcome: Outcome) -> str:
    """Return what became of an order, for people; of a block, the host says it with all that it left open."""
    match outcome.status:
        case OutcomeStatus.DONE if isinstance(order, Terminate) and outcome.ended:
            more = len(outcome.ended) - 1
            return f"ended {name_of(order)}" + (f" and {more} more of it" if more else "")
        case OutcomeStatus.DONE if isinstance(order, Terminate):
            return f"{name_of(order)}: {outcome.reason}"
        case OutcomeStatus.DONE:
            return outcome.reason
        case OutcomeStatus.REFUSED:
            return f"not done: the host refused: {outcome.reason}"
        case OutcomeStatus.FAILED:
            return f"failed: {outcome.reason}"
        case OutcomeStatus.RELEASED:  # told before how the command ended
            return outcome.reason


def released(outcome: Outcome, command_id: UUID, mode: Mode, place: Place) -> Alert:
    """Return the alert about what was taken back at the host's own console: one a command."""
    return Alert(
        id=uuid5(NAMESPACE, f"{command_id}|released"),
        state=State.FINAL,
        at=place.judged_at,
        host=place.sender.host,
        severity=Severity.INFO,
        detector=RELEASED,
        summary=outcome.reason,
        mode=mode,
        action=Action.UNDO,
        done="released at the host's own console",
        origin=place.origin,
        outcome=outcome.status,
    )


def refusal(outcome: Outcome, place: Place, held_back: int) -> Alert:
    """Return the alert about a command that a host refused and this analyzer did not send."""
    words = f"a command was refused: {outcome.reason}"
    return _not_ours("command-refused", Severity.HIGH, words, "refused", place, held_back)


def unsent(outcome: Outcome, place: Place, held_back: int) -> Alert:
    """Return the alert about a command that a host carried out and this analyzer did not send."""
    words = (
        f"{place.sender} answers a command ({outcome.action}) that this analyzer did not send it: a key may"
        f" be in other hands, or the archive was replaced; the answer is: {outcome.reason}"
    )
    return _not_ours("command-not-sent", Severity.CRITICAL, words, str(outcome.status), place, held_back)


def _not_ours(
    detector: str, severity: Severity, words: str, done: str, place: Place, held_back: int
) -> Alert:
    return Alert(
        id=place.derive(detector),
        state=State.FINAL,
        at=place.judged_at,
        host=place.sender.host,
        severity=severity,
        detector=detector,
        summary=with_held_back(words[:900], held_back),
        mode=Mode.ENFORCE,
        action=Action.ALERT,
        done=done,
        origin=place.origin,
        times=place.times,
    )
