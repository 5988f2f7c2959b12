from collections.abc import Iterator
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.detectors import Detector
from vedette_analyzer.finding import Finding
from vedette_analyzer.orders import MAX_OPEN, Send
from vedette_archive import Answer, ArchivedCommand, Ending, Judged, OpenCommand, Place
from vedette_schemas import (
    Action,
    Alert,
    Life,
    Mode,
    Notify,
    Observation,
    OutcomeStatus,
    Severity,
    State,
    Terminate,
    Where,
    WindowFocused,
)

from tests import messages
from tests.analyzer.harness import GAME, Harness, answer, judged
from tests.messages import at


@pytest.fixture
def harness() -> Harness:
    found = Harness()
    found.status(messages.status())
    return found


def test_a_listed_program_is_ordered_to_be_ended_and_the_alert_is_settled_by_the_outcome(
    harness: Harness,
) -> None:
    (send,), (pending,) = harness.report(GAME)
    assert send.audience == ("enforcer", "host-7")
    assert isinstance(send.command.order, Terminate)
    assert (send.command.order.process, send.command.order.uid) == (messages.process(), 1000)
    assert (pending.state, pending.command_id, pending.action) == (
        State.PENDING,
        send.command.id,
        Action.TERMINATE,
    )
    (notice,), (final,) = harness.report(answer(send, second=0.75), 1)
    assert final.id == pending.id
    assert final.state is State.FINAL
    assert final.done == "ended game (pid 4242)"
    assert final.times is not None
    assert final.times.ended_at == at(0.75)
    assert isinstance(notice.command.order, Notify)
    assert notice.command.order.uid == 1000


def test_an_alert_says_what_matched_in_which_list_and_line(harness: Harness) -> None:
    _, (alert,) = harness.report(GAME)
    assert alert.match is not None
    assert (alert.match.list, alert.match.line, alert.match.value) == ("blocklist.csv", 2, "game")
    assert alert.match.where is Where.PROGRAM
    assert (alert.host, alert.severity, alert.technique) == ("host-7", "high", "T1204")


def test_an_innocent_window_leads_to_nothing(harness: Harness) -> None:
    other = messages.process(executable="/usr/bin/other")
    assert harness.report(messages.report(messages.window(process=other))) == ([], [])


def test_judged_again_it_has_the_same_names() -> None:
    first, second = Harness(), Harness()
    for harness in (first, second):
        harness.status(messages.status())
    one, again = first.report(GAME), second.report(GAME)
    assert [send.command.id for send in one[0]] == [send.command.id for send in again[0]]
    assert [alert.id for alert in one[1]] == [alert.id for alert in again[1]]
    (other,), _ = first.report(GAME.model_copy(update={"first": 2}))
    assert other.command.id != one[0][0].command.id


def test_a_command_waits_for_the_enforcers_first_heartbeat_and_speaks_its_time() -> None:
    harness = Harness()
    sends, (alert,) = harness.report(GAME, 0)
    assert sends == []
    assert alert.state is State.PENDING
    (send,), _ = harness.status(messages.status(second=3600 + 5), 5)
    assert send.command.issued_at == at(3600)
    assert send.command.expires_at == at(3600 + 60)


def test_an_enforcer_that_stopped_is_not_sent_commands() -> None:
    harness = Harness()
    harness.status(messages.status())
    harness.status(messages.status(life=Life.STOPPED))
    assert harness.report(GAME)[0] == []


def test_an_order_that_nobody_answers_is_given_up_and_said(harness: Harness) -> None:
    harness.report(GAME, 0.5)
    assert harness.tick(60) == ([], [])
    _, (alert,) = harness.tick(60.5)
    assert alert.state is State.FINAL
    assert "no answer from enforcer@host-7" in alert.done
    assert harness.tick(61) == ([], [])


def test_what_the_enforcer_can_not_do_is_not_ordered_but_said() -> None:
    harness = Harness()
    harness.status(messages.status(facts={"terminate": "off: not root"}))
    sends, (alert,) = harness.report(GAME)
    assert sends == []
    assert (alert.state, alert.done) == (State.FINAL, "could not end game (pid 4242): not root")
    _, (copied,) = harness.report(messages.report(messages.clipboard("http://evil.test/")))
    assert copied.done == "could not block evil.test: it does not know how to block"


def test_in_observe_mode_nothing_is_ordered_and_the_alert_says_what_would_be() -> None:
    harness = Harness(mode=Mode.OBSERVE)
    harness.status(messages.status())
    sends, (alert,) = harness.report(GAME)
    assert sends == []
    assert (alert.mode, alert.action, alert.state) == (Mode.OBSERVE, Action.TERMINATE, State.FINAL)
    assert alert.done == "observe mode: would end game (pid 4242)"


def test_what_only_alerts_says_so(harness: Harness) -> None:
    other = messages.process(executable="/usr/bin/other")
    sends, (alert,) = harness.report(messages.report(messages.window(title="free robux", process=other)))
    assert sends == []
    assert (alert.action, alert.done, alert.state) == (Action.ALERT, "alerted", State.FINAL)
    assert alert.origin is not None
    assert alert.origin.excerpt == "free robux"


def test_nothing_of_a_copied_text_but_what_hit_is_told(harness: Harness) -> None:
    _, (alert,) = harness.report(
        messages.report(messages.clipboard("my secret plan: http://evil.test/ at nine"))
    )
    assert "secret" not in alert.model_dump_json()
    assert "evil.test" in alert.model_dump_json()


def test_two_reasons_to_end_one_process_are_one_order() -> None:
    harness = Harness("program,game,terminate,high,,,,", "phrase,robux,terminate,high,,,,")
    harness.status(messages.status())
    (send,), alerts = harness.report(messages.report(messages.window(title="robux")))
    assert len(alerts) == 2
    assert isinstance(send.command.order, Terminate)
    assert send.command.order.others, "the wider order of the two serves both"
    assert {alert.command_id for alert in alerts} == {send.command.id}
    _, finals = harness.report(answer(send))
    assert [alert.id for alert in finals] == [alert.id for alert in alerts]


def test_the_outcome_of_another_host_settles_nothing_and_is_an_alert(harness: Harness) -> None:
    (send,), (pending,) = harness.report(GAME)
    forged = messages.report(messages.outcome(send.command.id), sender="enforcer@host-8")
    sends, (alert,) = harness.report(forged)
    assert sends == []
    assert (alert.detector, alert.host) == ("command-not-sent", "host-8")
    (final,) = harness.report(answer(send))[1]
    assert (final.id, final.state) == (pending.id, State.FINAL)


def test_an_outcome_settles_once(harness: Harness) -> None:
    (send,), _ = harness.report(GAME)
    harness.report(answer(send))
    assert harness.effects(answer(send, repeated=True)) == []


@pytest.mark.parametrize(
    ("status", "says"),
    [(OutcomeStatus.REFUSED, "the host refused: why"), (OutcomeStatus.FAILED, "failed: why")],
)
def test_what_did_not_work_is_said_and_the_user_is_told_nothing(
    harness: Harness, status: OutcomeStatus, says: str
) -> None:
    (send,), _ = harness.report(GAME)
    sends, (final,) = harness.report(answer(send, status=status, reason="why", ended=()))
    assert sends == []
    assert says in final.done


@pytest.mark.parametrize("command_id", [None, UUID(int=99)])
def test_a_refused_command_that_is_not_ours_is_an_alert(harness: Harness, command_id: UUID | None) -> None:
    refused = messages.outcome(command_id, status=OutcomeStatus.REFUSED, reason="its signature does not hold")
    _, (alert,) = harness.report(messages.report(refused, sender="enforcer@host-7"))
    assert (alert.detector, alert.severity, alert.host) == ("command-refused", "high", "host-7")
    assert "signature" in alert.summary


@pytest.mark.parametrize("status", [OutcomeStatus.DONE, OutcomeStatus.FAILED])
def test_a_command_that_was_carried_out_and_is_not_ours_is_an_alert(
    harness: Harness, status: OutcomeStatus
) -> None:
    done = messages.outcome(UUID(int=99), status=status, reason="ended 1 process")
    _, (alert,) = harness.report(messages.report(done, sender="enforcer@host-7"))
    assert (alert.detector, alert.severity, alert.host) == ("command-not-sent", "critical", "host-7")
    assert alert.summary.endswith("the answer is: ended 1 process")
    again = done.model_copy(update={"repeated": True})
    assert harness.effects(messages.report(again, sender="enforcer@host-7", first=2)) == []


class _Broken(Detector[WindowFocused]):
    name: ClassVar[str] = "broken"
    watches: ClassVar[tuple[type[Observation], ...]] = (WindowFocused,)

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        raise RuntimeError("a fault")


def test_a_detector_that_fails_does_not_blind_the_others(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(detectors=(_Broken(),))
    harness.status(messages.status())
    assert len(harness.report(GAME)[0]) == 1
    assert "broken" in caplog.text


def test_open_orders_are_bounded_and_what_gives_way_is_said() -> None:
    harness = Harness()
    for number in range(1, MAX_OPEN + 1):
        harness.report(GAME.model_copy(update={"first": number}))
    _, alerts = harness.report(GAME.model_copy(update={"first": MAX_OPEN + 1}))
    assert [alert.done for alert in alerts if alert.state is State.FINAL] == [
        "not done: too many orders are open"
    ]


def _observations() -> st.SearchStrategy[Observation]:
    text = st.text(max_size=60) | st.sampled_from(["robux", "http://evil.test/", "x - game"])
    return st.builds(messages.window, title=text) | st.builds(messages.clipboard, text)


@given(st.lists(_observations(), min_size=1, max_size=5))
def test_no_text_upsets_it_and_each_alert_is_whole(items: list[Observation]) -> None:
    harness = Harness()
    for item in items:
        for alert in harness.report(messages.report(item))[1]:
            assert Alert.model_validate_json(alert.model_dump_json()) == alert
            assert alert.times is not None
            assert alert.times.judged_at - alert.times.received_at == timedelta(0)


def test_the_clock_is_asked_anew_for_each_observation() -> None:
    times = iter([at(1), at(2)])
    found = Harness("phrase,robux,alert,low,,,,").analyzer
    items = messages.report(messages.clipboard("robux"), messages.clipboard("robux"))
    alerts = [effect for effect in judged(found, items, times.__next__) if isinstance(effect, Alert)]
    assert [alert.at for alert in alerts] == [at(1), at(2)]


def test_a_command_is_sent_again_with_each_heartbeat_until_it_is_answered(harness: Harness) -> None:
    (send,), _ = harness.report(GAME)
    (again,), _ = harness.status(messages.status(number=2), 30)
    assert again.command.id == send.command.id
    (repeated,) = harness.report(answer(again, repeated=True))[1]
    assert repeated.done == "ended game (pid 4242)"
    unanswered, _ = harness.status(messages.status(number=3), 31)
    assert [send.command.order.action for send in unanswered] == ["notify"]


def test_the_last_will_of_an_older_connection_says_nothing(harness: Harness) -> None:
    harness.status(messages.status(connection="ffffffffffffffff"))
    harness.status(messages.status(life=Life.GONE))
    assert len(harness.report(GAME)[0]) == 1


@pytest.mark.parametrize("year", [2000, 2099])
def test_an_enforcer_with_an_absurd_clock_is_not_commanded_and_says_why(year: int) -> None:
    harness = Harness()
    harness.status(messages.status(at=messages.NOON.replace(year=year)))
    sends, (alert,) = harness.report(GAME)
    assert sends == []
    assert "clock" in alert.done


def test_a_refusal_that_only_repeats_an_answer_is_no_alert(harness: Harness) -> None:
    (send,), _ = harness.report(GAME)
    harness.report(answer(send, status=OutcomeStatus.REFUSED, reason="why", ended=()))
    repeated = messages.outcome(send.command.id, status=OutcomeStatus.REFUSED, reason="why", repeated=True)
    assert harness.report(messages.report(repeated, sender="enforcer@host-7", first=9)) == ([], [])


def test_what_follows_from_an_observation_is_archived_with_it(harness: Harness) -> None:
    (send,), (alert,) = harness.report(GAME)
    other = Harness()
    kept = other.effects(GAME)
    (found,) = (effect for effect in kept if isinstance(effect, Judged))
    assert (found.place, found.detector) == (Place(GAME.stream, 1), "listed-window")
    assert "blocklist.csv" in found.finding
    (order,) = (effect for effect in kept if isinstance(effect, OpenCommand))
    assert (order.id, order.order) == (send.command.id, send.command.order)
    assert alert.command_id == order.id


def test_an_analyzer_that_starts_anew_takes_up_what_was_left_open(harness: Harness) -> None:
    (send,), (alert,) = harness.report(GAME)
    heir = Harness()
    heir.analyzer.restore([kept(send, alert)])
    (again,), _ = heir.status(messages.status(), 5)
    assert (again.command.id, again.command.order) == (send.command.id, send.command.order)
    found = heir.effects(answer(send))
    assert any(isinstance(effect, Answer) and effect.ending is Ending.DONE for effect in found)
    (final,) = (effect for effect in found if isinstance(effect, Alert))
    assert (final.id, final.state) == (alert.id, State.FINAL)


def kept(send: Send, *alerts: Alert, ending: Ending | None = None) -> ArchivedCommand:
    return ArchivedCommand(
        id=send.command.id,
        audience=str(send.audience),
        order=send.command.order,
        issued_at=send.command.issued_at,
        expires_at=send.command.expires_at,
        alerts=alerts,
        ending=ending,
    )


@pytest.mark.parametrize("ending", [None, Ending.EXPIRED])
def test_an_outcome_that_comes_too_late_still_settles_the_alert(
    harness: Harness, ending: Ending | None
) -> None:
    (send,), (alert,) = harness.report(GAME)
    heir = Harness()
    heir.archived[send.command.id] = kept(send, alert, ending=ending)
    _, (final,) = heir.report(answer(send))
    assert final.done == "ended game (pid 4242)"
    heir.archived[send.command.id] = kept(send, alert, ending=Ending.DONE)
    assert heir.effects(answer(send)) == []


def test_no_order_lives_longer_or_shorter_when_the_clock_is_set(harness: Harness) -> None:
    (send,), _ = harness.report(GAME, 0)
    harness.analyzer.clock_moved(timedelta(hours=-1))
    (again,), _ = harness.status(messages.status(second=10), 10 - 3600)
    assert again.command.expires_at == send.command.expires_at
    assert harness.tick(59 - 3600) == ([], [])
    assert len(harness.tick(60 - 3600)[1]) == 1


class _Remembering(_Broken):
    name: ClassVar[str] = "remembering"
    memory: ClassVar[timedelta] = timedelta(hours=1)

    def __init__(self) -> None:
        self.seen: list[str] = []

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        self.seen.append(observation.title)
        yield Finding("remembering", Severity.LOW, "seen")


def test_what_a_detector_is_reminded_of_at_start_is_told_to_nobody() -> None:
    detector = _Remembering()
    harness = Harness(detectors=(detector,))
    harness.analyzer.remember(messages.window(title="yesterday"))
    assert detector.seen == ["yesterday"]
