"""The enforcer as a whole, but for MQTT: events in, acts and outcomes out."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from uuid import UUID

import pytest
from vedette_enforcer.core import Gate
from vedette_enforcer.ended import Ended
from vedette_enforcer.enforcer import Enforcer
from vedette_schemas import (
    MAX_LINE,
    Command,
    Notice,
    Order,
    Outcome,
    OutcomeStatus,
    SelfTest,
    Shown,
    Terminate,
    decode,
    encode,
    topics,
)
from vedette_transport import Event, Inbox, Received, Server
from vedette_transport.signing import Verifier

from ..authority import Authority, Issued
from .orders import ENFORCER, NOBODY_RUNS, command, notify
from .programs import Programs, lives

PATIENCE = 10.0
DONE = Ended(OutcomeStatus.DONE, "ended 1 process")


class Running:
    """An enforcer whose loop a test turns by hand."""

    def __init__(self, authority: Authority, analyzer: Issued) -> None:
        self._analyzer = analyzer
        self.inbox: Inbox = SimpleQueue()
        self._gate = Gate(Verifier(authority.path, ENFORCER))
        self.enforcer = Enforcer(self._gate, self.inbox, term_seconds=0.2)

    def ending_by(self, end: Callable[[Terminate, float], Ended]) -> "Running":
        self.enforcer = Enforcer(self._gate, self.inbox, term_seconds=0.2, end=end)
        return self

    def order(self, order: Order) -> list[Outcome]:
        return self.send(command(order=order))

    def send(self, order: Command) -> list[Outcome]:
        return self.enforcer.handle(self.received(self._analyzer.signer().sign(order).encode()))

    def received(self, payload: bytes) -> Event:
        return Received(topics.command(ENFORCER), payload)

    def outcome(self) -> Outcome:
        """Turn the loop until there is an outcome."""
        while True:
            outcomes = self.enforcer.handle(self.inbox.get(timeout=PATIENCE))
            if outcomes:
                (outcome,) = outcomes
                return outcome


def at_once(order: Terminate, term_seconds: float) -> Ended:
    return DONE


@pytest.fixture
def running(authority: Authority, analyzer: Issued) -> Running:
    return Running(authority, analyzer)


def test_a_program_is_ended_and_the_outcome_comes_back(running: Running, programs: Programs) -> None:
    process = programs.stay(programs.copy())
    assert running.order(Terminate(process=process)) == []
    outcome = running.outcome()
    assert (outcome.status, outcome.ended) == (OutcomeStatus.DONE, (process,))
    assert outcome.taken_at <= outcome.seen_at
    assert not lives(process)


def test_a_refused_command_ends_nothing(running: Running, programs: Programs) -> None:
    process = programs.stay(programs.copy())
    (outcome,) = running.send(command(order=Terminate(process=process), audience="enforcer@host-8"))
    assert outcome.status is OutcomeStatus.REFUSED
    assert lives(process)


def test_garbage_is_refused_and_the_enforcer_goes_on(running: Running) -> None:
    (outcome,) = running.enforcer.handle(running.received(b"\x00" * 1_000_000))
    assert outcome.status is OutcomeStatus.REFUSED
    running.ending_by(at_once).order(command().order)
    assert running.outcome().status is OutcomeStatus.DONE


def test_a_test_does_nothing_and_is_answered(running: Running) -> None:
    (outcome,) = running.order(SelfTest())
    assert (outcome.status, outcome.action, outcome.ended) == (OutcomeStatus.DONE, "test", ())
    assert outcome.reason == "did nothing: this was a test"


def test_a_program_that_takes_long_to_end_holds_up_nothing(running: Running) -> None:
    held_up = threading.Event()
    first = command(order=Terminate(process=NOBODY_RUNS, uid=1))

    def end(order: Terminate, term_seconds: float) -> Ended:
        if order.uid == 1:
            assert held_up.wait(PATIENCE)
        return DONE

    running.ending_by(end)
    assert running.send(first) == []
    second = command()
    assert running.send(second) == []
    assert running.outcome().command_id == second.id
    held_up.set()
    assert running.outcome().command_id == first.id


def test_a_repeated_order_ends_nothing_again_and_is_answered_again(running: Running) -> None:
    order = command()
    running.ending_by(at_once).send(order)
    outcome = running.outcome()

    def end(order: Terminate, term_seconds: float) -> Ended:
        raise AssertionError

    (again,) = running.ending_by(end).send(order)
    assert again.model_copy(update={"command": outcome.command}) == outcome.model_copy(
        update={"repeated": True}
    )


def test_a_repeated_notice_is_not_shown_again_and_is_answered_again(running: Running) -> None:
    order = command(order=notify(notify_uid()))
    (outcome,) = running.send(order)
    assert outcome.reason == "no session of that user is connected"
    (again,) = running.send(order)
    assert (again.reason, again.repeated) == (outcome.reason, True)


def test_a_fault_in_ending_is_an_outcome_and_the_enforcer_goes_on(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    def end(order: Terminate, term_seconds: float) -> Ended:
        raise ZeroDivisionError

    running.ending_by(end).order(command().order)
    outcome = running.outcome()
    assert (outcome.status, outcome.reason) == (
        OutcomeStatus.FAILED,
        "the enforcer has a fault; its log says which",
    )
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_in_reading_a_command_refuses_it(analyzer: Issued) -> None:
    class Faulty(Verifier):
        def __init__(self) -> None:
            pass

        def verify(self, token: str, now: object) -> Command:
            raise ZeroDivisionError

    inbox: Inbox = SimpleQueue()
    (outcome,) = Enforcer(Gate(Faulty()), inbox, 0.2).handle(Received("", b"payload"))
    assert outcome.reason == "refused: it can't be read (ZeroDivisionError)"


def test_a_notice_goes_through_the_socket_and_its_outcome_comes_back(
    running: Running, tmp_path: Path
) -> None:
    server = Server(tmp_path / "s", running.inbox)
    with socket.socket(socket.AF_UNIX) as session:
        session.connect(str(tmp_path / "s"))
        running.enforcer.handle(running.inbox.get(timeout=PATIENCE))
        assert running.enforcer.facts()["notify"] == "on"
        uid = notify_uid()
        assert running.order(notify(uid)) == []
        notice = decode(Notice, session.recv(MAX_LINE))
        session.sendall(encode(Shown(id=notice.id)) + b"\n")
        outcome = running.outcome()
    assert (outcome.status, outcome.command_id) == (OutcomeStatus.DONE, notice.id)
    running.enforcer.handle(running.inbox.get(timeout=PATIENCE))
    assert running.enforcer.facts()["notify"] == "off: no session connected"
    server.close()


def test_a_session_may_answer_as_often_as_it_is_asked(running: Running, tmp_path: Path) -> None:
    server = Server(tmp_path / "s", running.inbox)
    with socket.socket(socket.AF_UNIX) as session:
        session.connect(str(tmp_path / "s"))
        running.enforcer.handle(running.inbox.get(timeout=PATIENCE))
        for number in range(50):  # more than may wait unhandled
            id_ = UUID(int=number)
            running.send(command(id=id_, order=notify(notify_uid())))
            assert decode(Notice, session.recv(MAX_LINE)).id == id_
            session.sendall(encode(Shown(id=id_)) + b"\n")
            assert running.outcome().command_id == id_
    server.close()


def test_the_facts_say_what_can_not_be_done(running: Running) -> None:
    facts = dict(running.enforcer.facts())
    assert set(facts) == {"mode", "terminate", "notify", "block", "isolate", "undo", "test"}
    assert facts["block"] == facts["isolate"] == "off: not built for this system yet"
    assert facts.pop("mode") == "enforce"
    assert all(fact.startswith(("on", "off: ")) for fact in facts.values())


def notify_uid() -> int:
    return Path("/proc/self").stat().st_uid
