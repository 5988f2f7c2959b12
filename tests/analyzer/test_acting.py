"""What operators do: approve, undo, order by hand; and what is muted by that, a restart or not."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from vedette_analyzer.orders import Send
from vedette_archive import Ending, OpenCommand, check
from vedette_schemas import (
    Act,
    Alert,
    Block,
    BlockedHost,
    Life,
    Mode,
    OutcomeStatus,
    Principal,
    Severity,
    State,
    TakeBack,
    Undo,
    digest,
)

from tests import messages
from tests.analyzer.archived import ANNA, FACTS, ISOLATE, Site, hours
from tests.messages import at

COPIED = messages.clipboard("http://evil.test/")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, "host,evil.test,block,high,,,,", "program,game,terminate,high,,,,")
    found.heard()
    yield found
    assert check(found.path) == []
    found.close()


@pytest.fixture
def waiting(site: Site) -> Alert:
    site.mode = Mode.APPROVE
    _, (alert,) = site.report(COPIED, second=0)
    return alert


def named(alert: Alert) -> UUID:
    assert alert.command_id is not None
    return alert.command_id


def restarted(site: Site, second: float) -> None:
    site.start(second)
    site.heard(second)


def nothing(_: Site, __: float) -> None:
    pass


either_way = pytest.mark.parametrize("between", [nothing, restarted])
Between = Callable[[Site, float], None]


# Approving


@either_way
def test_what_is_approved_is_sent_with_fresh_times(site: Site, waiting: Alert, between: Between) -> None:
    between(site, 590)
    act, (send,), (pending,) = site.approve(named(waiting), 600)
    assert (act.done, act.words, act.command_id) == (True, "host-7: blocking evil.test", waiting.command_id)
    assert send.command.issued_at == at(600)
    assert send.command.expires_at == at(600 + hours(24))
    assert (pending.id, pending.state) == (waiting.id, State.PENDING)
    assert pending.done == "blocking evil.test, approved by operator@anna"
    between(site, 700)
    (final,) = site.answer(send, 901, reason="blocked evil.test")
    assert (final.id, final.done) == (waiting.id, "blocked evil.test (approved by operator@anna)")


def test_a_program_is_ended_once_that_is_approved(site: Site) -> None:
    site.mode = Mode.APPROVE
    _, (alert,) = site.report(messages.window(), second=0)
    _, (send,), _ = site.approve(named(alert), 600)
    assert send.command.expires_at == at(660)
    (final,) = site.answer(send, 601, ended=(messages.process(),))
    assert final.done == "ended game (pid 4242) (approved by operator@anna)"


def test_what_was_approved_while_the_host_was_away_is_sent_when_it_is_back(
    site: Site, waiting: Alert
) -> None:
    site.heard(1, life=Life.STOPPED)
    act, sends, _ = site.approve(named(waiting), 2)
    assert (act.done, sends) == (True, [])
    (send,) = site.heard(3)
    assert send.command.id == waiting.command_id


@either_way
def test_what_nobody_approved_in_time_can_not_be_approved_any_more(
    site: Site, waiting: Alert, between: Between
) -> None:
    between(site, 899)
    site.tick(900)
    act, sends, alerts = site.approve(named(waiting), 901)
    assert (act.done, sends, alerts) == (False, [], [])
    assert act.words == f"nobody approved command {str(waiting.command_id)[:8]} in time"


def test_what_is_approved_twice_is_sent_once_and_it_is_said_who_did(site: Site, waiting: Alert) -> None:
    name = named(waiting)
    _, (send,), _ = site.approve(name)
    answers = [site.approve(name)]
    site.answer(send, 4)
    answers.append(site.approve(name, 5))
    site.undo(name, 6)
    answers.append(site.approve(name, 7))
    assert [(act.done, sends) for act, sends, _ in answers] == [(False, [])] * 3
    assert [act.words for act, _, _ in answers] == [
        "operator@anna has approved it already: it is under way",
        "operator@anna has approved it already, and it has ended: done",
        "operator@anna has undone it already",
    ]


@pytest.mark.parametrize("change", [{"host": "host-8"}, {"order": digest(ISOLATE)}])
def test_what_is_approved_has_to_be_what_waits(site: Site, waiting: Alert, change: dict[str, str]) -> None:
    approval = site.approval(named(waiting)).model_copy(update=change)
    act, sends, alerts = site.act(approval)
    assert (act.done, sends, alerts) == (False, [], [])
    assert "is not what was approved" in act.words


@either_way
def test_the_act_travels_with_the_command_each_time(site: Site, waiting: Alert, between: Between) -> None:
    _, (first,), _ = site.approve(named(waiting))
    between(site, 60)
    (again,) = site.heard(61)
    assert (first.command.act, again.command) == ("x.y.z", first.command)
    _, (by_hand,), _ = site.direct(ISOLATE)
    assert by_hand.command.act == "x.y.z"


def test_what_needs_no_approval_has_no_act(site: Site, blocked: Send) -> None:
    assert blocked.command.act is None
    assert site.undo(blocked.command.id, 4)[1][0].command.act is None


def test_an_approved_alert_has_the_time_of_its_approval(site: Site, waiting: Alert) -> None:
    _, (send,), (pending,) = site.approve(named(waiting), 600)
    (final,) = site.answer(send, 601)
    for alert in (pending, final):
        assert alert.times is not None
        assert (alert.at, alert.times.approved_at) == (at(600), at(600))


def test_what_is_not_known_can_not_be_approved(site: Site) -> None:
    act, sends, _ = site.approve(uuid4())
    assert (act.done, sends) == (False, [])
    assert act.words.endswith("is not known")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"mode": "observe"}, "observe mode"),
        ({"block": "off: not root"}, "could not block evil.test: not root"),
    ],
)
def test_nothing_is_approved_that_the_host_will_not_or_can_not_do(
    site: Site, waiting: Alert, facts: dict[str, str], says: str
) -> None:
    site.heard(1, facts=FACTS | facts)
    act, sends, _ = site.approve(named(waiting))
    assert (act.done, sends) == (False, [])
    assert says in act.words


# Undoing


@pytest.fixture
def blocked(site: Site) -> Send:
    (send,), _ = site.report(COPIED)
    site.answer(send)
    return send


@either_way
def test_a_block_is_undone_by_a_command_whose_outcome_settles_its_alert(
    site: Site, blocked: Send, between: Between
) -> None:
    between(site, 10)
    act, (send,), (pending,) = site.undo(blocked.command.id, 20)
    assert act.done
    assert send.command.order == Undo(command_id=blocked.command.id)
    assert (pending.detector, pending.severity, pending.host) == ("act", Severity.INFO, "host-7")
    assert pending.summary == "operator@anna undoes what was ordered on host-7: block evil.test"
    between(site, 21)
    (final,) = site.answer(send, 22, reason="the block of evil.test is undone")
    assert (final.id, final.done) == (pending.id, "the block of evil.test is undone")
    known = site.reader.command(blocked.command.id)
    assert known is not None
    assert (known.undone_by, known.lifted) == (ANNA, True)


@either_way
def test_an_undone_block_mutes_its_indicator_on_that_host_until_it_would_have_ended(
    site: Site, blocked: Send, between: Between
) -> None:
    site.undo(blocked.command.id, 20)
    between(site, 30)
    sends, (alert,) = site.report(COPIED, second=40)
    assert (sends, alert.state) == ([], State.FINAL)
    assert alert.done == (
        "alerted: no more than that until 2026-11-22T12:00:02Z, since operator@anna undid it"
    )
    site.heard(principal="enforcer@host-8")
    assert len(site.report(COPIED, second=40, sender="sensor@host-8")[0]) == 1
    assert len(site.report(messages.window(), second=40)[0]) == 1, "another indicator is not muted"
    site.tick(hours(24) + 3)
    assert len(site.report(COPIED, second=hours(24) + 3)[0]) == 1


@either_way
def test_what_waits_is_withdrawn_and_muted(site: Site, waiting: Alert, between: Between) -> None:
    act, sends, (final,) = site.undo(named(waiting), 20)
    assert (act.done, act.words, sends) == (True, "host-7: will not block evil.test", [])
    assert final.done == "not done: operator@anna declined it"
    between(site, 30)
    sends, (alert,) = site.report(COPIED, second=40)
    assert (sends, alert.state) == ([], State.FINAL)
    assert not site.approve(named(waiting), 41)[0].done


@either_way
def test_what_the_host_has_not_answered_is_taken_back_and_not_sent_again(
    site: Site, between: Between
) -> None:
    (send,), (pending,) = site.report(COPIED)
    act, (undo,), (final, acted) = site.undo(send.command.id)
    assert act.done
    assert (final.id, final.state) == (pending.id, State.FINAL)
    assert acted.state is State.PENDING
    between(site, 4)
    assert [each.command.id for each in site.heard(5)] == [undo.command.id]
    (late,) = site.answer(send, 6, reason="blocked evil.test")
    assert (late.id, late.done) == (pending.id, "blocked evil.test")
    sends, (alert,) = site.report(COPIED, second=7)
    assert sends == []
    assert "undid it" in alert.done


def test_an_undo_that_failed_can_be_repeated_and_one_that_did_not_can_not(site: Site, blocked: Send) -> None:
    _, (undo,), _ = site.undo(blocked.command.id, 10)
    (final,) = site.answer(undo, 11, status=OutcomeStatus.FAILED, reason="not yet lifted")
    assert final.done == "failed: not yet lifted"
    _, (again,), _ = site.undo(blocked.command.id, 12)
    assert again.command.id != undo.command.id
    site.answer(again, 13)
    act, sends, _ = site.undo(blocked.command.id, 14)
    assert (act.done, sends, act.words) == (False, [], "operator@anna has undone it already")


def test_what_can_not_be_undone_is_said(site: Site, blocked: Send) -> None:
    (end,), _ = site.report(messages.window())
    site.answer(end)
    assert site.undo(end.command.id)[0].words == "a program that was ended can't be brought back"
    assert site.undo(uuid4())[0].words.endswith("is not known")
    _, (undo,), _ = site.undo(blocked.command.id)
    assert "an undo can't be undone" in site.undo(undo.command.id)[0].words
    act, sends, _ = site.undo(blocked.command.id, hours(25))
    assert (act.done, sends, act.words) == (False, [], "it was over at 2026-11-22T12:00:02Z")


# Released at the host's own console


def release(site: Site, send: Send, second: float = 10, **changes: Any) -> list[Alert]:
    reason = "the block of evil.test was released at the host's own console"
    status = OutcomeStatus.RELEASED
    return site.answer(send, second, taken_at=at(2), status=status, reason=reason, **changes)


@either_way
def test_what_the_host_released_is_told_is_not_in_force_and_mutes_what_led_to_it(
    site: Site, blocked: Send, between: Between
) -> None:
    between(site, 9)
    (told,) = release(site, blocked)
    assert (told.detector, told.state, told.host) == ("released", State.FINAL, "host-7")
    assert told.summary == "the block of evil.test was released at the host's own console"
    between(site, 11)
    known = site.reader.command(blocked.command.id)
    assert known is not None
    assert (known.undone_by, known.lifted) == ("the console of host-7", True)
    sends, (alert,) = site.report(COPIED, second=20)
    assert sends == []
    until = "2026-11-22T12:00:02Z"
    assert alert.done == f"alerted: no more than that until {until}, since the console of host-7 undid it"
    act, sends, _ = site.undo(blocked.command.id, 21)
    assert (act.done, sends, act.words) == (False, [], "the console of host-7 has undone it already")
    assert len(site.report(COPIED, second=hours(24) + 3)[0]) == 1


def test_a_release_that_is_told_again_is_one_alert(site: Site, blocked: Send) -> None:
    (first,) = release(site, blocked)
    (again,) = release(site, blocked, 11)
    assert first.id == again.id


@either_way
def test_a_release_that_comes_before_its_outcome_is_no_answer(site: Site, between: Between) -> None:
    (send,), (pending,) = site.report(COPIED)
    (told,) = release(site, send)
    assert told.detector == "released"
    between(site, 11)
    reason = "not done: it was released at the host's own console"
    (final,) = site.answer(send, 12, status=OutcomeStatus.REFUSED, reason=reason)
    assert (final.id, final.done) == (pending.id, f"not done: the host refused: {reason}")
    assert site.report(COPIED, second=20)[0] == []


def test_what_was_released_by_hand_can_be_ordered_again(site: Site) -> None:
    _, (send,), _ = site.direct(ISOLATE)
    site.answer(send, 4)
    release(site, send)
    assert len(site.direct(ISOLATE)[1]) == 1


def test_a_host_releases_nothing_of_anothers_and_nothing_unknown(site: Site, blocked: Send) -> None:
    other = Principal.parse("enforcer@host-8")
    assert release(site, Send(other, blocked.command)) == []
    unknown = blocked.command.model_copy(update={"id": uuid4()})
    assert release(site, Send(blocked.audience, unknown)) == []
    assert "is blocked already" in site.report(COPIED, second=20)[1][0].done


def test_what_was_ended_is_not_released(site: Site) -> None:
    (end,), _ = site.report(messages.window())
    site.answer(end, ended=(messages.process(),))
    assert release(site, end) == []


# By hand


def test_a_host_is_isolated_by_hand_and_the_alert_says_who_did(site: Site) -> None:
    act, (send,), (pending,) = site.direct(ISOLATE)
    name = str(send.command.id)[:8]
    assert act.words == f"host-7: isolating the host for 2 h; to end it sooner: vedette undo {name}"
    assert send.command.order == ISOLATE
    assert send.command.expires_at == at(3 + 7_200)
    assert pending.summary == "operator@anna ordered host-7: isolate the host for 2 h"
    (final,) = site.answer(send, 4, reason="isolated from all but the broker")
    assert final.done == "isolated from all but the broker"
    (lasting,) = site.reader.lasting_commands(at(5))
    assert (lasting.ordered_by, lasting.until) == (ANNA, at(4 + 7_200))


def test_what_was_blocked_by_hand_is_not_blocked_again_by_a_list(site: Site) -> None:
    by_hand = Block(target=BlockedHost(name="evil.test", subdomains=True), ttl_seconds=60)
    _, (send,), _ = site.direct(by_hand)
    site.answer(send, 4)
    assert "is blocked already" in site.report(COPIED, second=5)[1][0].done
    assert len(site.report(COPIED, second=70)[0]) == 1


def test_of_two_orders_about_the_same_one_is_taken_back_and_the_other_still_counts(site: Site) -> None:
    site.report(COPIED)
    by_hand = Block(target=BlockedHost(name="evil.test", subdomains=True), ttl_seconds=60)
    _, (send,), _ = site.direct(by_hand)
    site.undo(send.command.id, 4)
    assert site.report(COPIED, second=5)[1][0].done == "already blocking evil.test"


def test_in_approve_mode_an_operators_own_order_needs_no_other_approval(site: Site) -> None:
    site.mode = Mode.APPROVE
    assert len(site.direct(ISOLATE)[1]) == 1


@pytest.mark.parametrize(
    ("facts", "host", "says"),
    [
        ({}, "host-9", "no enforcer of host-9 has been heard"),
        ({"isolate": "off: not root"}, "host-7", "could not isolate the host: not root"),
        ({"mode": "observe"}, "host-7", "host-7 itself allows nothing but observing"),
    ],
)
def test_what_can_not_be_ordered_by_hand_is_said(
    site: Site, facts: dict[str, str], host: str, says: str
) -> None:
    site.heard(1, facts=FACTS | facts)
    act, sends, alerts = site.direct(ISOLATE, host)
    assert (act.done, act.words, sends, alerts) == (False, says, [], [])


def test_an_order_by_hand_to_a_host_that_is_away_says_so(site: Site) -> None:
    site.heard(1, life=Life.STOPPED)
    act, sends, _ = site.direct(ISOLATE)
    assert sends == []
    assert "as soon as its enforcer is there again" in act.words


def test_an_order_by_hand_to_a_host_that_an_earlier_analyzer_knew_waits_for_it(site: Site) -> None:
    site.start(1)
    assert not site.direct(ISOLATE)[0].done
    site.analyzer.expect(Principal.parse("enforcer@host-7"))
    act, sends, _ = site.direct(ISOLATE)
    assert (act.done, sends) == (True, [])
    (send,) = site.heard(5)
    assert send.command.order == ISOLATE


def test_what_is_muted_and_in_force_moves_with_the_clock(site: Site, blocked: Send) -> None:
    site.undo(blocked.command.id, 20)
    site.analyzer.clock_moved(timedelta(hours=-1))
    assert site.report(COPIED, second=-3_500)[0] == []
    site.tick(hours(23) + 3)
    assert len(site.report(COPIED, second=hours(23) + 3)[0]) == 1


def test_an_answer_to_a_withdrawn_order_is_no_alert_about_a_refusal(site: Site) -> None:
    (send,), _ = site.report(COPIED)
    site.undo(send.command.id)
    reason = "not done: it was undone before it came"
    (final,) = site.answer(send, 6, status=OutcomeStatus.REFUSED, reason=reason)
    assert final.detector == "listed-clipboard"
    known = site.reader.command(send.command.id)
    assert known is not None
    assert known.ending is Ending.REFUSED


def test_an_act_that_comes_again_after_a_crash_has_the_same_names(site: Site, blocked: Send) -> None:
    what = TakeBack(command_id=blocked.command.id)
    act = Act(id=uuid4(), issuer=ANNA, issued_at=at(3), expires_at=at(63), what=what)
    first = list(site.analyzer.act(act, "x.y.z", at(3)))  # sent, and never archived
    restarted(site, 5)
    again = list(site.analyzer.act(act, "x.y.z", at(6)))
    names = [[e.id for e in effects if isinstance(e, Alert | OpenCommand)] for effects in (first, again)]
    assert names[0] == names[1]


def test_a_command_that_was_approved_before_a_crash_is_settled_by_its_outcome(
    site: Site, waiting: Alert
) -> None:
    act = Act(id=uuid4(), issuer=ANNA, issued_at=at(3), expires_at=at(63), what=site.approval(named(waiting)))
    (send, *_) = list(site.analyzer.act(act, "x.y.z", at(3)))
    assert isinstance(send, Send)
    restarted(site, 5)
    (final,) = site.answer(send, 6)
    assert (final.id, final.state) == (waiting.id, State.FINAL)


def test_an_act_is_judged_by_what_it_is(site: Site) -> None:
    act, *_ = site.act(site.approval(uuid4()), issuer="console@main")
    assert (act.kind, act.issuer) == ("approve", "console@main")
