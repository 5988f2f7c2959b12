"""Notices: shown by a session of the user that is meant, or said to have failed."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from queue import SimpleQueue
from uuid import UUID, uuid4

import pytest
from vedette_enforcer.core import Task
from vedette_enforcer.notices import Notices, Overdue
from vedette_schemas import Message, Notice, Outcome, OutcomeStatus, Shown, decode, encode
from vedette_transport import Call, Client, Inbox

from .orders import command, notify

ANNA, BERT = 1000, 1001
NOW = datetime.now(UTC)


class Session:
    """A session at the other end of a real socket, of whichever user."""

    def __init__(self, uid: int) -> None:
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._ours = ours
        self._theirs.settimeout(5)
        self.client = Client(ours)
        self.client.uid = uid

    def notice(self) -> Notice:
        return decode(Notice, self._theirs.recv(65_536))

    def is_cut_off(self) -> bool:
        return self._theirs.recv(1) == b""

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


class Desk:
    """Notices, and the sessions that a test connects."""

    def __init__(self, seconds_to_show: float = 5.0) -> None:
        self.inbox: Inbox = SimpleQueue()
        self.notices = Notices(self.inbox, seconds_to_show)
        self.sessions: list[Session] = []

    def connect(self, uid: int) -> Session:
        session = Session(uid)
        self.sessions.append(session)
        self.notices.joined(session.client)
        return session

    def show(self, uid: int, id_: UUID | None = None) -> Outcome | None:
        order = notify(uid)
        return self.notices.show(Task(command(id=id_ or uuid4(), order=order), "token", NOW), order, NOW)

    def answer(self, session: Session, answer: Message | bytes) -> Outcome | None:
        line = answer if isinstance(answer, bytes) else encode(answer)
        return self.notices.answered(session.client, line, NOW)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    for session in desk.sessions:
        session.close()


def test_a_notice_is_done_once_a_session_has_shown_it(desk: Desk) -> None:
    anna = desk.connect(ANNA)
    assert desk.show(ANNA) is None
    notice = anna.notice()
    assert notice.title == "A program was ended"
    outcome = desk.answer(anna, Shown(id=notice.id))
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (OutcomeStatus.DONE, "shown to the user")
    assert (outcome.command_id, outcome.action) == (notice.id, "notify")
    assert desk.answer(anna, Shown(id=notice.id)) is None


def test_without_a_session_of_that_user_it_fails_at_once(desk: Desk) -> None:
    desk.connect(BERT)
    outcome = desk.show(ANNA)
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (OutcomeStatus.FAILED, "no session of that user is connected")


def test_another_users_session_gets_no_notice_and_settles_none(desk: Desk) -> None:
    anna, bert = desk.connect(ANNA), desk.connect(BERT)
    desk.show(ANNA, id_ := uuid4())
    assert desk.answer(bert, Shown(id=id_)) is None
    assert desk.answer(bert, Shown(id=id_, problem="no")) is None
    desk.show(BERT, other := uuid4())
    assert bert.notice().id == other
    assert desk.answer(anna, Shown(id=id_)) is not None


def test_one_session_that_shows_it_is_enough(desk: Desk) -> None:
    first, second = desk.connect(ANNA), desk.connect(ANNA)
    desk.show(ANNA, id_ := uuid4())
    assert desk.answer(first, Shown(id=id_, problem="no notification service")) is None
    outcome = desk.answer(second, Shown(id=id_))
    assert outcome is not None
    assert outcome.status is OutcomeStatus.DONE


def test_when_no_session_can_show_it_the_reasons_are_told(desk: Desk) -> None:
    first, second = desk.connect(ANNA), desk.connect(ANNA)
    desk.show(ANNA, id_ := uuid4())
    assert desk.answer(first, Shown(id=id_, problem="no notification service")) is None
    (outcome,) = desk.notices.left(second.client, NOW)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.reason == "no session of that user could show it: no notification service; it left"


def test_a_notice_that_nobody_answers_is_given_up() -> None:
    desk = Desk(seconds_to_show=0.01)
    anna = desk.connect(ANNA)
    desk.show(ANNA, id_ := uuid4())
    assert desk.inbox.get(timeout=5) == Call(Overdue(id_))
    outcome = desk.notices.overdue(id_, NOW)
    assert outcome is not None
    assert outcome.reason == "no session of that user has shown it within 0.01 s"
    assert desk.answer(anna, Shown(id=id_)) is None
    assert desk.notices.overdue(id_, NOW) is None
    anna.close()


def test_notices_that_wait_are_bounded(desk: Desk) -> None:
    desk.connect(ANNA)
    outcomes = [desk.show(ANNA) for _ in range(100)]
    assert outcomes[:64] == [None] * 64
    assert {outcome.reason for outcome in outcomes[64:] if outcome} == {"too many notices wait to be shown"}


@pytest.mark.parametrize(
    "line", [b"", b"{", b'{"id": 1}', encode(Notice(id=uuid4(), title="x", text="y")), b"\xff"]
)
def test_a_session_that_says_something_else_is_cut_off(line: bytes, desk: Desk) -> None:
    anna = desk.connect(ANNA)
    assert desk.answer(anna, line) is None
    assert anna.is_cut_off()


def test_a_user_who_is_cut_off_again_and_again_floods_no_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    anna = desk.connect(ANNA)
    for _ in range(1_000):
        desk.answer(anna, b"{")
    assert len(caplog.records) == 10
    assert "the 512. of all since we started" in caplog.text


def test_the_facts_say_whether_anyone_can_be_notified(desk: Desk) -> None:
    assert desk.notices.ability() == "off: no session connected"
    anna = desk.connect(ANNA)
    assert desk.notices.ability() == "on"
    assert desk.notices.left(anna.client, NOW) == []
    assert desk.notices.ability() == "off: no session connected"
