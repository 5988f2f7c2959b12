"""What a self-test concludes from what came back, without the chain."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from vedette_console.selftest.archived import Archived
from vedette_console.selftest.checks import Case, State, checks
from vedette_console.selftest.heard import Heard, Plan, Tls, Told
from vedette_schemas import (
    ActAnswer,
    Action,
    Alert,
    Kind,
    Mode,
    OutcomeStatus,
    Principal,
    Severity,
    Times,
    is_selftest,
)
from vedette_schemas import State as AlertState

from tests import messages

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PLAN = Plan.new(Principal.parse("operator@anna"), "host-7", Path("/s"), plain=False)
HOLDS = Archived()
TLS = Tls("TLSv1.3", "broker@0", NOW + timedelta(days=80))


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "id": PLAN.command_id,
        "state": AlertState.FINAL,
        "at": NOW,
        "host": "host-7",
        "severity": Severity.INFO,
        "detector": "selftest",
        "summary": "a self-test",
        "mode": Mode.ENFORCE,
        "action": Action.ALERT,
        "done": "alerted",
    }
    return Alert(**(fields | changes))


def heard(**changes: Any) -> Heard:
    answer = ActAnswer(audience="operator@anna", act_id=PLAN.act.id, done=True, words="testing")
    told = Told(alert(), 0.05)
    fields: dict[str, Any] = {
        "is_connected": True,
        "sent_at": NOW,
        "tls": TLS,
        "taken": {Kind.WINDOW: 0.01, Kind.CLIPBOARD: 0.01},
        "told": {Kind.WINDOW: told, Kind.CLIPBOARD: told},
        "answer": answer,
        "final": Told(alert(outcome=OutcomeStatus.DONE), 0.05),
        "refused": alert(),
    }
    return Heard(**(fields | changes))


def states(
    found: Heard,
    archived: Archived | None = HOLDS,
    plan: Plan = PLAN,
) -> dict[str, State]:
    case = Case(plan, found, archived, NOW + timedelta(days=80), "127.0.0.1:8883", 10)
    return {check.part: check.state for check in checks(case)}


def bad(found: Heard, archived: Archived | None = HOLDS, plan: Plan = PLAN) -> set[str]:
    return {part for part, state in states(found, archived, plan).items() if state is State.BAD}


def test_nobody_can_guess_what_is_sent() -> None:
    other = Plan.new(PLAN.operator, "host-7", Path("/s"), plain=False)
    assert all(map(is_selftest, PLAN.texts.values()))
    assert len({*PLAN.texts.values(), *other.texts.values()}) == 4
    assert PLAN.command_id != other.command_id


def test_all_is_well() -> None:
    assert bad(heard()) == set()
    assert bad(heard(), None) == set()


SILENT: dict[str, Any] = {"told": {}, "answer": None, "final": None, "refused": None}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"is_connected": False, "complaint": "no trust"}, {"TLS"}),
        ({"is_connected": False, "complaint": "refused", "is_listening": False}, {"broker"}),
        ({"is_connected": False}, {"broker"}),
        ({"tls": None}, {"TLS"}),
        ({"tls": replace(TLS, version="TLSv1.1")}, {"TLS"}),
        ({"forged": True}, {"ACL"}),
        ({"leaked": {"a topic"}}, {"ACL"}),
        (SILENT, {"analyzer"}),
        (SILENT | {"analyzer": messages.status()}, {"archive"}),
        ({"final": None}, {"enforcer"}),
        ({"final": Told(alert(outcome=OutcomeStatus.REFUSED), 0.05)}, {"enforcer"}),
        ({"final": Told(alert(outcome=None, done="no answer in time"), 0.05)}, {"enforcer"}),
        ({"refused": None}, {"signature"}),
        ({"taken": {}, "told": {}, "unreachable": "no sensor"}, {"window", "clipboard"}),
        ({"told": {}}, {"window", "clipboard"}),
    ],
)
def test_what_did_not_do_its_part_is_named(changes: dict[str, Any], part: set[str]) -> None:
    assert bad(heard(**changes)) == part


@pytest.mark.parametrize(
    ("archived", "part"),
    [
        (Archived(trouble="it is not there"), "archive"),
        (Archived(missing=("the act",)), "archive"),
        (Archived(signature="a command that was changed passes for a signed one"), "signature"),
    ],
)
def test_what_the_archive_shows_counts(archived: Archived, part: str) -> None:
    assert bad(heard(), archived) == {part}


def test_an_archive_that_the_analyzer_can_not_write_is_named_by_its_own_word() -> None:
    status = messages.status(principal="analyzer@0", facts={"archive": "off: no space left"})
    assert bad(heard(**SILENT, analyzer=status)) == {"archive"}


def test_a_plain_deployment_has_neither_tls_nor_rules() -> None:
    plain = replace(PLAN, plain=True)
    found = states(heard(tls=None, granted=frozenset(PLAN.forbidden)), plan=plain)
    assert (found["TLS"], found["ACL"]) == (State.NONE, State.NONE)
    assert bad(heard(tls=None), plan=plain) == set()


def test_a_broker_that_grants_and_delivers_nothing_keeps_its_rules() -> None:
    granted = frozenset(PLAN.forbidden)
    assert states(heard(granted=granted))["ACL"] is State.GOOD
    assert states(heard(granted=granted, final=None))["ACL"] is State.UNKNOWN


def test_clocks_that_differ_make_no_hop_take_less_than_nothing() -> None:
    early = NOW - timedelta(hours=1)
    times = Times(seen_at=NOW, sent_at=NOW, received_at=early, judged_at=early)
    told = Told(alert(times=times), 0.05)
    case = Case(PLAN, heard(told={Kind.WINDOW: told, Kind.CLIPBOARD: told}), None, NOW, "", 10)
    (found,) = (check for check in checks(case) if check.part == Kind.WINDOW)
    assert found.hops == {"sensor": 0, "broker": 0, "analyzer": 0, "archive and alert": 50, "all": 50}
