"""The one loop of a program."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas import Life, Principal, decode_status, topics
from vedette_transport import Call, Event, Inbox, MqttSession, Stop, serve

from tests import brokers

ANALYZER = Principal.parse("analyzer@0")
pytestmark = pytest.mark.system


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


def test_heartbeats_go_out_however_much_comes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette_transport.session.HEARTBEAT_SECONDS", 0.1)
    lives: list[Life] = []
    with brokers.broker("mosquitto", tmp_path) as running:
        watcher = brokers.Client(running.address, topics.EVERY_STATUS)
        inbox = Inbox()
        inbox.put(Call(None))

        def handle(event: Event) -> None:
            if isinstance(event, Call):
                inbox.put(event)

        def watch() -> None:
            lives.extend(decode_status(*watcher.next()).life for _ in range(5))
            inbox.put(Stop())

        watching = threading.Thread(target=watch)
        watching.start()
        serve(MqttSession(ANALYZER, running.address, inbox), inbox, handle)
        watching.join()
        watcher.close()
    assert lives == [Life.RUNNING] * 5
