"""The outbox against real brokers and a spool on disk: what is put arrives, and goes once it is acked."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas import (
    Ack,
    AckedStream,
    Life,
    Observation,
    Position,
    Principal,
    Report,
    SpoolState,
    decode_report,
    decode_status,
    encode,
    topics,
)
from vedette_transport import Connected, Event, Inbox, MqttSession, Outbox
from vedette_transport.delivery import Run
from vedette_transport.outbox import report

from tests import brokers, messages

SENSOR = Principal.parse("sensor@host-7")
pytestmark = pytest.mark.system


@pytest.fixture(params=brokers.KINDS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[brokers.RunningBroker]:
    with brokers.broker(request.param, tmp_path) as found:
        yield found


class Program:
    """A program's loop, turned by hand."""

    def __init__(self, folder: Path, running: brokers.RunningBroker) -> None:
        self.inbox = Inbox()
        self.outbox = Outbox(SENSOR, folder / "spool.db")
        self.session = MqttSession(
            SENSOR,
            running.address,
            self.inbox,
            subscriptions=self.outbox.subscriptions,
            delivery=self.outbox.heartbeat,
        )

    def start(self) -> "Program":
        self.session.start()
        while not isinstance(self.turn(), Connected):
            pass
        return self

    def put(self, *observations: Observation) -> None:
        for observation in observations:
            self.outbox.put(observation)
        self.outbox.send(self.session)

    def turn(self) -> Event:
        event = self.inbox.get(timeout=brokers.WAIT)
        self.outbox.handle(event)
        self.outbox.send(self.session)
        return event

    def stop(self) -> None:
        self.session.stop()
        self.outbox.close()

    @property
    def held(self) -> int:
        return sum(state.next - state.oldest for state in self.outbox.heartbeat().streams)


def ack(found: Report) -> Ack:
    last = found.first + len(found.items) - 1
    return Ack(
        audience=found.sender,
        archive=Position(epoch="00" * 8, commits=1),
        streams=(AckedStream(spool=found.spool, kind=found.kind, ranges=((found.first, last),)),),
    )


def test_what_is_put_arrives_at_once_and_goes_once_it_is_acked(
    running: brokers.RunningBroker, tmp_path: Path
) -> None:
    analyzer = brokers.Client(running.address, topics.EVERY_REPORT)
    program = Program(tmp_path, running).start()
    program.put(messages.window(1), messages.window(2), messages.clipboard())
    found = [decode_report(*analyzer.next()) for _ in range(2)]
    assert [(each.kind, each.first, each.items) for each in found] == [
        ("window", 1, (messages.window(1), messages.window(2))),
        ("clipboard", 1, (messages.clipboard(),)),
    ]
    assert program.held == 3
    analyzer.publish(topics.ack(SENSOR), b"garbage")
    for each in found:
        analyzer.publish(topics.ack(SENSOR), encode(ack(each)))
    for _ in range(3):
        program.turn()
    assert program.held == 0
    program.stop()
    analyzer.close()


def test_what_is_not_acked_is_sent_again(running: brokers.RunningBroker, tmp_path: Path) -> None:
    analyzer = brokers.Client(running.address, topics.EVERY_REPORT)
    program = Program(tmp_path, running).start()
    program.put(messages.window())
    first = decode_report(*analyzer.next())
    due = program.outbox.seconds_to_due()
    assert due is not None
    assert 0.4 < due <= 1.0
    time.sleep(due + 0.01)  # nothing comes in: this is the wait that is looked at
    program.outbox.send(program.session)
    assert decode_report(*analyzer.next()).stream == first.stream
    program.stop()
    analyzer.close()


@pytest.mark.parametrize("kind", brokers.KINDS)
def test_what_is_seen_without_a_broker_arrives_once_there_is_one(kind: str, tmp_path: Path) -> None:
    with brokers.broker(kind, tmp_path) as first:
        pass
    program = Program(tmp_path, first)
    program.put(*(messages.window(n % 1_000) for n in range(200)))
    assert program.outbox.seconds_to_due() is None
    with brokers.broker(kind, tmp_path, first.address.port) as second:
        analyzer = brokers.Client(second.address, topics.EVERY_REPORT)
        program.start()
        found = 0
        while found < 200:
            arrived = decode_report(*analyzer.next())
            assert len(arrived.items) == 50
            found += len(arrived.items)
            analyzer.publish(topics.ack(SENSOR), encode(ack(arrived)))
        for _ in range(4):
            program.turn()
        assert program.held == 0
        program.stop()
        analyzer.close()


def test_what_one_run_left_the_next_sends_under_its_old_name(
    running: brokers.RunningBroker, tmp_path: Path
) -> None:
    before = Program(tmp_path, running)
    before.put(messages.window())
    name = before.outbox.heartbeat().spool
    before.outbox.close()
    analyzer = brokers.Client(running.address, topics.EVERY_REPORT)
    program = Program(tmp_path, running).start()
    found = decode_report(*analyzer.next())
    assert (found.spool, found.items) == (name, (messages.window(),))
    state = program.outbox.heartbeat()
    assert (state.ordinal, [stream.final for stream in state.streams]) == (2, [True])
    program.stop()
    analyzer.close()


def test_heartbeats_tell_how_the_spool_stands_and_farewells_do_not(
    running: brokers.RunningBroker, tmp_path: Path
) -> None:
    watcher = brokers.Client(running.address, topics.EVERY_STATUS)
    program = Program(tmp_path, running).start()
    program.session.heartbeat()
    alive = decode_status(*watcher.next())
    assert alive.delivery == SpoolState(
        spool=program.outbox.heartbeat().spool, ordinal=1, number=1, complete=True
    )
    program.stop()
    last = decode_status(*watcher.next())
    assert (last.life, last.delivery) == (Life.STOPPED, None)
    watcher.close()


def test_a_report_is_what_encoding_it_whole_makes() -> None:
    items = (messages.window(1), messages.window(2, title='"quoted" ü \x00'))
    stream = messages.report(*items).stream
    payload = report(Run(stream, 7, [encode(item) for item in items]), messages.report(*items).kind)
    found = decode_report(topics.report(SENSOR, messages.report(*items).kind), payload)
    assert (found.first, found.items, found.stream) == (7, items, stream)
    assert encode(found) == payload
