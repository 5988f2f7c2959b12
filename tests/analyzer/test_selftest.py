"""A self-test leads to an alert and nothing else, and so does whoever pretends to make one."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.desk import ActDesk
from vedette_analyzer.detectors.selftest import SelfTested
from vedette_schemas import (
    Act,
    Action,
    Alert,
    Direct,
    Isolate,
    Mode,
    SelfTest,
    Severity,
    State,
    is_selftest,
    selftest_text,
)
from vedette_transport.signing import ActVerifier

from tests import messages
from tests.analyzer.archived import ANNA, FACTS, Site
from tests.analyzer.lists import lists
from tests.authority import Authority, make_ca

TEXT = selftest_text()
DETECTOR = SelfTested(lists())
ABLE = FACTS | {"test": "on"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, "phrase,vedette,block,critical,,,,")
    yield found
    found.close()


@pytest.mark.parametrize("item", [messages.window(title=TEXT), messages.clipboard(TEXT)])
@pytest.mark.parametrize("mode", Mode)
def test_what_was_handed_over_is_told_in_every_mode(tmp_path: Path, mode: Mode, item: Any) -> None:
    site = Site(tmp_path, mode=mode)
    site.heard(facts=ABLE)
    sends, (alert,) = site.report(item)
    assert sends == []
    assert (alert.detector, alert.severity, alert.action) == ("selftest", Severity.INFO, Action.ALERT)
    assert alert.summary.endswith(TEXT)
    site.close()


@pytest.mark.parametrize(
    "text",
    [f"{TEXT} ", f"see {TEXT}", TEXT.upper(), TEXT[:-1], f"{TEXT}0", f"{TEXT}\n", "vedette-selftest-"],
)
def test_text_of_nearly_that_form_stays_quiet(text: str) -> None:
    assert not is_selftest(text)
    assert list(DETECTOR.inspect(messages.clipboard(text))) == []


@given(st.text())
def test_what_is_no_self_test_stays_quiet(text: str) -> None:
    assert list(DETECTOR.inspect(messages.window(title=text[:1_000]))) == []


def test_no_two_texts_are_the_same() -> None:
    assert all(map(is_selftest, {selftest_text() for _ in range(100)}))
    assert len({selftest_text() for _ in range(100)}) == 100


def test_a_page_that_shows_one_after_another_raises_no_flood_and_hides_no_other_host(site: Site) -> None:
    told = [alert for _ in range(100) for alert in site.report(messages.window(title=selftest_text()))[1]]
    assert len([alert for alert in told if alert.detector == "selftest"]) == 20
    assert {alert.severity for alert in told if alert.detector == "selftest"} == {Severity.INFO}
    other = site.report(messages.clipboard(TEXT), sender="sensor@host-8")[1]
    assert "selftest" in {alert.detector for alert in other}
    later = site.report(messages.clipboard(TEXT), second=62)[1]
    assert "selftest" in {alert.detector for alert in later}


@pytest.mark.parametrize("ceiling", Mode)
@pytest.mark.parametrize("mode", Mode)
def test_a_test_is_ordered_in_every_mode_and_under_every_ceiling(
    tmp_path: Path, mode: Mode, ceiling: Mode
) -> None:
    site = Site(tmp_path, mode=mode)
    site.heard(facts=ABLE | {"mode": ceiling})
    act, (send,), (pending,) = site.direct(SelfTest())
    assert act.done
    assert act.words == "host-7: testing the enforcer"
    assert send.command.order == SelfTest()
    assert send.command.expires_at - send.command.issued_at == timedelta(seconds=60)
    assert (pending.severity, pending.action) == (Severity.INFO, Action.TEST)
    (final,) = site.answer(send, reason="did nothing")
    assert (final.state, final.done) == (State.FINAL, "did nothing")
    site.close()


def test_an_enforcer_that_does_not_know_it_is_named(site: Site) -> None:
    site.heard(facts=FACTS)
    act, sends, _ = site.direct(SelfTest())
    assert (act.done, sends) == (False, [])
    assert act.words == "could not test the enforcer: it does not know how to test"


class Forger:
    """Who changes one word of an act that somebody else has signed."""

    def __init__(self, authority: Authority, site: Site, *, revoked: bool = False) -> None:
        verifier = ActVerifier(authority.path, lambda _: revoked)
        self.desk = ActDesk(verifier, site.analyzer, site.reader.act)
        self._signer = authority.issue(ANNA).signer()

    def signed(self, order: SelfTest | Isolate) -> list[Any]:
        return self._take(self._signer.sign(an_act(order)))

    def altered(self, order: SelfTest | Isolate) -> list[Any]:
        head, _, signature = self._signer.sign(an_act(order)).split(".")
        other = an_act(order).model_dump_json(exclude_none=True).encode()
        return self._take(f"{head}.{base64.urlsafe_b64encode(other).decode().rstrip('=')}.{signature}")

    def _take(self, token: str) -> list[Any]:
        return list(self.desk.take(f"vedette/v1/act/{ANNA}", token.encode(), datetime.now(UTC)))


def an_act(order: SelfTest | Isolate) -> Act:
    now = datetime.now(UTC)
    what = Direct(host="host-7", order=order)
    return Act(id=uuid4(), issuer=ANNA, issued_at=now, expires_at=now + timedelta(minutes=1), what=what)


@pytest.fixture
def forger(tmp_path: Path, site: Site) -> Forger:
    return Forger(make_ca(tmp_path / "ca"), site)


def test_an_altered_act_that_would_only_test_is_told_as_that(forger: Forger) -> None:
    (alert,) = forger.altered(SelfTest())
    assert isinstance(alert, Alert)
    assert (alert.detector, alert.severity) == ("selftest", Severity.INFO)
    assert "refused: its signature does not hold" in alert.summary


def test_a_test_of_who_was_revoked_is_grave(tmp_path: Path, site: Site) -> None:
    forger = Forger(make_ca(tmp_path / "ca"), site, revoked=True)
    (alert,) = forger.signed(SelfTest())
    assert (alert.detector, alert.severity) == ("act-refused", Severity.HIGH)
    assert "was revoked" in alert.summary


def test_an_altered_act_that_would_do_something_is_grave_however_many_tests_came_before(
    forger: Forger,
) -> None:
    tests = [alert for _ in range(50) for alert in forger.altered(SelfTest())]
    assert len(tests) == 10
    (alert,) = forger.altered(Isolate(ttl_seconds=60))
    assert (alert.detector, alert.severity) == ("act-refused", Severity.HIGH)
