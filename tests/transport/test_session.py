import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas import ANALYZER, Kind, Life, Principal, Status, decode_status, encode, topics
from vedette_transport import (
    Asked,
    BrokerAddress,
    Connected,
    Disconnected,
    Event,
    Inbox,
    MqttSession,
    Received,
    backoff,
)

from tests import brokers, messages

SENSOR = Principal.parse("sensor@host-7")
pytestmark = pytest.mark.system


@pytest.fixture(params=brokers.KINDS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[brokers.RunningBroker]:
    with brokers.broker(request.param, tmp_path) as found:
        yield found


def await_event(inbox: Inbox, kind: type[Event]) -> Event:
    deadline = time.monotonic() + brokers.WAIT
    while not isinstance(event := inbox.get(timeout=max(0.0, deadline - time.monotonic())), kind):
        pass
    return event


def next_status(watcher: brokers.Client) -> Status:
    return decode_status(*watcher.next())


def test_a_session_says_that_it_runs_and_that_it_ends(running: brokers.RunningBroker) -> None:
    watcher = brokers.Client(running.address, topics.EVERY_STATUS)
    inbox = Inbox()
    session = MqttSession(SENSOR, running.address, inbox, facts=lambda: {"window": "on"})
    session.start()
    await_event(inbox, Connected)
    session.heartbeat()
    session.heartbeat()
    first, second = next_status(watcher), next_status(watcher)
    session.stop()
    last = next_status(watcher)
    watcher.close()
    assert (first.life, second.life, last.life) == (Life.RUNNING, Life.RUNNING, Life.STOPPED)
    assert first.number < second.number < last.number
    assert first.connection == last.connection
    assert first.facts == {"window": "on"}


def test_what_is_subscribed_to_comes_in(running: brokers.RunningBroker) -> None:
    inbox = Inbox()
    session = MqttSession(SENSOR, running.address, inbox, subscriptions=("a/b",))
    session.start()
    await_event(inbox, Connected)
    client = brokers.Client(running.address)
    client.publish("a/b", b"hello")
    assert await_event(inbox, Received) == Received("a/b", b"hello")
    session.stop()
    client.close()


@pytest.mark.parametrize("kind", brokers.KINDS)
def test_a_session_outlives_its_broker_and_what_was_published_meanwhile_arrives(
    kind: str, tmp_path: Path
) -> None:
    inbox = Inbox()
    with brokers.broker(kind, tmp_path) as first:
        session = MqttSession(SENSOR, first.address, inbox, subscriptions=("a/b",))
        session.start()
        await_event(inbox, Connected)
        first.process.kill()
        await_event(inbox, Disconnected)
    assert session.publish("c/d", b"kept")
    assert not session.publish("c/d", b"not kept", 0)
    assert session.publish_tracked("c/d", b"not kept") is None
    with brokers.broker(kind, tmp_path, first.address.port) as second:
        watcher = brokers.Client(second.address, "c/#")
        await_event(inbox, Connected)
        watcher.publish("a/b", b"after")
        assert await_event(inbox, Received) == Received("a/b", b"after")
        session.stop()
        watcher.close()


def test_a_program_that_is_killed_leaves_its_last_will(running: brokers.RunningBroker) -> None:
    watcher = brokers.Client(running.address, topics.EVERY_STATUS)
    code = (
        "from vedette_transport import *; from vedette_schemas import Principal; import time\n"
        f"inbox = Inbox(); address = BrokerAddress(port={running.address.port})\n"
        f"s = MqttSession(Principal.parse('{SENSOR}'), address, inbox)\n"
        "s.start(); inbox.get(); s.heartbeat(); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as program:
        alive = next_status(watcher)
        program.kill()
        will = next_status(watcher)
    watcher.close()
    assert (alive.life, will.life) == (Life.RUNNING, Life.GONE)
    assert will.connection == alive.connection


def test_what_is_tracked_is_known_to_have_arrived(running: brokers.RunningBroker) -> None:
    watcher = brokers.Client(running.address, "a/b")
    inbox = Inbox()
    session = MqttSession(SENSOR, running.address, inbox)
    session.start()
    await_event(inbox, Connected)
    has_arrived = session.publish_tracked("a/b", b"an alert")
    assert has_arrived is not None
    assert watcher.next() == ("a/b", b"an alert")
    deadline = time.monotonic() + brokers.WAIT
    while not has_arrived() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert has_arrived()
    session.stop()
    watcher.close()


def test_when_too_much_waits_reports_are_left_and_nothing_else(running: brokers.RunningBroker) -> None:
    inbox = Inbox()
    report = topics.report(SENSOR, Kind.WINDOW)
    session = MqttSession(SENSOR, running.address, inbox, subscriptions=(report, "a/b"), most_waiting=3)
    session.start()
    await_event(inbox, Connected)
    client = brokers.Client(running.address)
    for _ in range(5):
        client.publish(report, b"a report")
    client.publish("a/b", b"no report")
    deadline = time.monotonic() + brokers.WAIT
    while inbox.qsize() < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    found = [await_event(inbox, Received) for _ in range(4)]
    assert [event.topic for event in found if isinstance(event, Received)] == [report] * 3 + ["a/b"]
    assert session.left == 2
    session.stop()
    client.close()


def test_without_a_broker_a_session_waits_and_can_be_stopped_at_once() -> None:
    session = MqttSession(SENSOR, BrokerAddress(port=brokers.free_port()), Inbox())
    session.start()
    began = time.monotonic()
    session.stop()
    assert time.monotonic() - began < 2.0


def test_waiting_grows_to_a_bound_and_is_never_the_same_for_all() -> None:
    waits = [next(delays) for delays in [backoff(0.5, 30.0)] for _ in range(20)]
    assert all(0.25 <= wait <= 30.0 for wait in waits)
    assert min(waits[10:]) >= 15.0
    assert len({next(backoff()) for _ in range(50)}) > 40


def test_messages_kept_for_a_broker_that_is_away_are_bounded() -> None:
    session = MqttSession(SENSOR, BrokerAddress(port=brokers.free_port()), Inbox())
    kept = [session.publish("a/b", encode(messages.status())) for _ in range(2_100)]
    assert kept.count(True) == 2_000
    assert not kept[-1]


def test_a_new_analyzer_is_answered_soon_and_a_flood_of_them_no_more_often(
    running: brokers.RunningBroker,
) -> None:
    watcher = brokers.Client(running.address, topics.status(SENSOR))
    inbox = Inbox()
    threads = threading.active_count()
    session = MqttSession(SENSOR, running.address, inbox)
    session.start()
    await_event(inbox, Connected)
    session.heartbeat()
    watcher.next()
    for number in range(50):
        analyzer = messages.status("analyzer@0", connection=f"{number:016x}")
        watcher.publish(topics.status(ANALYZER), encode(analyzer))
        await_event(inbox, Asked)
        session.answer_soon()
    assert 0.1 < session.seconds_to_heartbeat() < 2.0
    assert threading.active_count() <= threads + 2
    session.stop()
    watcher.close()


def test_no_fault_in_its_thread_leaves_it_deaf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    with brokers.broker("embedded", tmp_path) as running:
        session = MqttSession(SENSOR, running.address, inbox, subscriptions=("a/b",))
        faults = iter([RuntimeError("can't start new thread"), MemoryError()])

        def fail(payload: object) -> None:
            if (fault := next(faults, None)) is not None:
                raise fault

        monkeypatch.setattr(session, "_analyzer_says", fail)
        session.start()
        for _ in range(3):
            await_event(inbox, Connected)
            client = brokers.Client(running.address)
            client.publish(topics.status(ANALYZER), encode(messages.status("analyzer@0")))
            client.publish("a/b", b"still here")
            client.close()
        assert await_event(inbox, Received) == Received("a/b", b"still here")
        session.stop()
