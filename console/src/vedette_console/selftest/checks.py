"""What a self-test shows: one line for each part of the chain. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from vedette_schemas import Kind, OutcomeStatus

from ..lines import plain
from .archived import Archived, Ordered
from .heard import Heard, Plan, Told

Hops = dict[str, float]
"""Milliseconds of each hop, in order."""


class State(StrEnum):
    """How a part did: `none` where this deployment, or this machine, has no such part to test."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"
    UNKNOWN = "unknown"


class Check(NamedTuple):
    """A part of the chain, how it did, and what there is to say of it."""

    part: str
    state: State
    words: str
    hops: Hops | None = None


class Case(NamedTuple):
    """All that is judged: what was sent out, what came back, what the archive holds, until when we are known.

    `archived` is `None` where the archive is on another machine. `broker` is where the broker is.
    """

    plan: Plan
    heard: Heard
    archived: Archived | None
    ends_at: datetime
    broker: str
    waited: float


def checks(case: Case) -> list[Check]:
    """Judge each part. What can't be judged since another part failed is `unknown`, so that one is named."""
    if not case.heard.is_connected:
        return list(_not_connected(case))
    found = [Check("broker", State.GOOD, f"has taken us, at {case.broker}"), _tls(case), _acl(case)]
    found.append(_analyzer(case))
    found += [_seen(kind, case) for kind in (Kind.WINDOW, Kind.CLIPBOARD)]
    return [*found, _enforcer(case), _signature(case), _archive(case)]


def _not_connected(case: Case) -> Iterator[Check]:
    """Name what kept us from the broker: that it is not there, or that one of us does not trust the other."""
    heard = case.heard
    words = plain(heard.complaint or f"the broker at {case.broker} does not answer", 500)
    is_trust = heard.is_listening and heard.complaint != "" and not case.plan.plain
    yield Check(
        "broker", State.UNKNOWN if is_trust else State.BAD, "takes connections" if is_trust else words
    )
    yield Check("TLS", State.BAD if is_trust else State.UNKNOWN, words if is_trust else "not tried")
    yield from (Check(part, State.UNKNOWN, "not tried") for part in _PARTS)


_PARTS = ("ACL", "analyzer", "window", "clipboard", "enforcer", "signature", "archive")


def _tls(case: Case) -> Check:
    heard = case.heard
    if case.plan.plain:
        return Check("TLS", State.NONE, "off, as this deployment's settings say")
    if heard.tls is None or heard.tls.version not in ("TLSv1.2", "TLSv1.3"):
        return Check("TLS", State.BAD, "the connection to the broker is not protected")
    tls = heard.tls
    words = f"{tls.version}; {plain(tls.subject, 80)} until {tls.ends_at:%Y-%m-%d}"
    return Check("TLS", State.GOOD, f"{words}, {case.plan.operator} until {case.ends_at:%Y-%m-%d}")


def _acl(case: Case) -> Check:
    heard = case.heard
    if case.plan.plain:
        return Check("ACL", State.NONE, "none: without TLS the broker knows nobody")
    wrong = list(_let_through(heard))
    if wrong:
        return Check("ACL", State.BAD, f"the broker lets an operator {' and '.join(wrong)}")
    if not heard.granted:
        return Check("ACL", State.GOOD, "reading commands and reports is refused, a forged answer dropped")
    if heard.final is not None:
        return Check(
            "ACL", State.GOOD, "nothing of commands and reports is delivered, a forged answer dropped"
        )
    return Check("ACL", State.UNKNOWN, "a forged answer is dropped; no command was sent that could leak")


def _let_through(heard: Heard) -> Iterator[str]:
    if heard.leaked:
        yield "read commands or reports"
    if heard.forged:
        yield "forge the analyzer's answers"


def _analyzer(case: Case) -> Check:
    heard = case.heard
    if not heard.analyzer_lives:
        return Check("analyzer", State.BAD, f"nothing of it was heard in {case.waited:.0f} s: does it run?")
    status = heard.analyzer
    return Check("analyzer", State.GOOD, "answers" if status is None else f"version {status.program_version}")


def _seen(kind: Kind, case: Case) -> Check:
    heard = case.heard
    if kind not in case.plan.texts:
        return Check(kind, State.NONE, f"only {case.plan.host} itself can test that")
    told = heard.told.get(kind)
    if told is not None:
        return Check(kind, State.GOOD, "told as an alert", _hops_of_alert(told))
    if kind not in heard.taken:
        return Check(kind, State.BAD, plain(heard.unreachable, 300) or "the sensor did not take it")
    if not heard.is_archived:
        return Check(kind, State.UNKNOWN, "the sensor has it, and nothing was heard of it")
    return Check(kind, State.BAD, f"the sensor has it, but it was not told in {case.waited:.0f} s")


def _enforcer(case: Case) -> Check:
    heard = case.heard
    if heard.final is not None:
        alert = heard.final.alert
        if alert.outcome is OutcomeStatus.DONE:
            return Check("enforcer", State.GOOD, "has done what it was told", _hops_of_command(case))
        return Check("enforcer", State.BAD, plain(alert.done, 300))
    if heard.answer is None:
        state = State.BAD if heard.is_archived else State.UNKNOWN
        return Check("enforcer", state, "the analyzer did not answer the act")
    if not heard.answer.done:
        return Check("enforcer", State.BAD, plain(heard.answer.words, 300))
    return Check(
        "enforcer", State.BAD, f"did not answer in {case.waited:.0f} s: does it run on {case.plan.host}?"
    )


def _signature(case: Case) -> Check:
    heard = case.heard
    wrong = case.archived and case.archived.signature
    if wrong:
        return Check("signature", State.BAD, wrong)
    if heard.refused is None:
        state = State.BAD if heard.is_archived else State.UNKNOWN
        return Check("signature", state, "it was not told that an altered act is refused")
    if case.archived is None or case.archived.ordered is None:
        return Check("signature", State.GOOD, "the analyzer refused an altered act")
    return Check("signature", State.GOOD, "an altered act was refused; the command's signature holds")


def _archive(case: Case) -> Check:
    wrong = _wrong_with_archive(case)
    if wrong:
        return Check("archive", State.BAD, plain(wrong, 500))
    if not case.heard.is_archived:
        return Check("archive", State.UNKNOWN, "nothing to look for: no analyzer")
    if case.archived is None:
        return Check("archive", State.GOOD, "not on this machine; what is told is archived before")
    return Check("archive", State.GOOD, "holds all that was told")


def _wrong_with_archive(case: Case) -> str:
    heard, archived = case.heard, case.archived
    told = "" if heard.analyzer is None else heard.analyzer.facts.get("archive", "on")
    if told.startswith("off"):
        return f"the analyzer can't write it: {told[4:].strip()}"
    if archived is not None and archived.trouble:
        return archived.trouble
    if heard.analyzer_lives and not heard.is_archived:
        return f"the analyzer lives, but archived nothing in {case.waited:.0f} s"
    missing = () if archived is None else archived.missing
    return f"told, but not in it: {', '.join(missing)}" if missing else ""


def _hops_of_alert(told: Told) -> Hops:
    """Return how long each hop took; where clocks of two machines differ, none takes less than nothing."""
    times = told.alert.times
    if times is None:
        return {"all": told.after * 1_000}
    hops = {
        "sensor": _ms(times.sent_at - times.seen_at),
        "broker": _ms(times.received_at - times.sent_at),
        "analyzer": _ms(times.judged_at - times.received_at),
    }
    return _with_rest(hops, told.after)


def _hops_of_command(case: Case) -> Hops:
    told, archived = case.heard.final, case.archived
    after = 0.0 if told is None else told.after
    ordered: Ordered | None = None if archived is None else archived.ordered
    sent_at = case.heard.sent_at
    if ordered is None or sent_at is None:
        return {"all": after * 1_000}
    outcome = ordered.outcome
    hops = {
        "analyzer": _ms(ordered.issued_at - sent_at),
        "broker": _ms(outcome.taken_at - ordered.issued_at),
        "enforcer": _ms(outcome.seen_at - outcome.taken_at),
        "back": _ms(ordered.received_at - outcome.seen_at),
    }
    return _with_rest(hops, after)


def _with_rest(hops: Hops, after: float) -> Hops:
    total = after * 1_000
    return {**hops, "archive and alert": max(0.0, total - sum(hops.values())), "all": total}


def _ms(time: timedelta) -> float:
    return max(0.0, time.total_seconds() * 1_000)
