"""`vedette-sensor` with a real broker, and sessions that are not always honest."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from vedette_schemas import (
    ClipboardCopied,
    Handover,
    Hello,
    Life,
    Message,
    Observation,
    ProgramHashed,
    Report,
    Status,
    Stopped,
    Stream,
    Taken,
    WindowFocused,
    decode,
    decode_report,
    decode_status,
    encode,
)
from vedette_transport import identify, read_lines

from tests.brokers import Client, RunningBroker, broker
from tests.desktop import PATIENCE, end
from tests.messages import clipboard, window

pytestmark = pytest.mark.system

NONCE = "0123456789abcdef"
HELLO = Hello(nonce=NONCE, sources={"window": "on: x11 events", "clipboard": "off: by setting"})


class SessionEnd:
    """Plays a session."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._lines = read_lines(self._socket)

    def say(self, *messages: Message | bytes) -> None:
        lines = [message if isinstance(message, bytes) else encode(message) for message in messages]
        self._socket.sendall(b"".join(line + b"\n" for line in lines))

    def taken(self) -> int:
        return decode(Taken, next(self._lines)).sequence

    def is_cut_off(self) -> bool:
        return next(self._lines, None) is None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self._socket.close()


class Sensor:
    """A running `vedette-sensor`, and what it publishes."""

    def __init__(self, folder: Path, running: RunningBroker, limit: int = 64) -> None:
        self.path = folder / "sensor.sock"
        settings = folder / "sensor.toml"
        settings.write_text(
            f'host = "host-7"\nsocket = "{self.path}"\nspool = "{folder / "spool.db"}"\n'
            f"hash_limit_mib = {limit}\n"
            f'[broker]\nhost = "{running.address.host}"\nport = {running.address.port}\nplain = true\n'
        )
        self._client = Client(
            running.address, "vedette/v1/up/+/sensor@host-7/+", "vedette/v1/status/sensor@host-7"
        )
        self.statuses: list[Status] = []
        self._seen: set[tuple[Stream, int]] = set()
        self._news: list[Observation] = []
        self.log = folder / "sensor.log"
        with self.log.open("wb") as log:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "vedette_sensor", "--settings", str(settings)], stderr=log
            )
        self.fact("sessions", "0")

    def session(self) -> SessionEnd:
        return SessionEnd(self.path)

    def next(self) -> Observation:
        """Return the next observation that is published: nobody acks, so each is published again."""
        while not self._news:
            topic, payload = self._client.next()
            if "/up/" in topic:
                self._read(decode_report(topic, payload))
            else:
                self.statuses.append(decode_status(topic, payload))
        return self._news.pop(0)

    def _read(self, report: Report) -> None:
        for number, item in enumerate(report.items, report.first):
            place = report.stream, number
            if place not in self._seen:
                self._seen.add(place)
                self._news.append(item)

    def fact(self, name: str, words: str) -> Status:
        """Wait for the heartbeat that says so."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            topic, payload = self._client.next()
            if "/status/" in topic and (status := decode_status(topic, payload)).facts.get(name) == words:
                return status
        raise AssertionError(f"no heartbeat says '{words}' of {name}")

    def farewell(self) -> Life:
        assert isinstance(self.next(), Stopped)
        topic, payload = self._client.next()
        return decode_status(topic, payload).life

    def close(self) -> None:
        end(self.program)
        self._client.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    with broker("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def sensor(tmp_path: Path, running: RunningBroker) -> Iterator[Sensor]:
    sensor = Sensor(tmp_path, running)
    yield sensor
    sensor.close()


def handover(sequence: int, observation: WindowFocused | None = None) -> Handover:
    return Handover(sequence=sequence, observation=observation or clipboard(f"text {sequence}"))


def test_what_a_session_hands_over_is_published_with_the_uid_that_the_kernel_knows(sensor: Sensor) -> None:
    with sensor.session() as session:
        session.say(HELLO, handover(1, window(title="Payroll", uid=4_000_000, process=None)))
        assert session.taken() == 1
        seen = sensor.next()
    assert isinstance(seen, WindowFocused)
    assert (seen.title, seen.uid) == ("Payroll", os.getuid())


def test_a_repeat_is_taken_and_not_published_again(sensor: Sensor) -> None:
    with sensor.session() as session:
        session.say(HELLO, handover(1), handover(2))
        assert [session.taken(), session.taken()] == [1, 2]
    with sensor.session() as session:
        session.say(HELLO, handover(1), handover(2), handover(3))
        assert [session.taken() for _ in range(3)] == [1, 2, 3]
    seen = [sensor.next() for _ in range(3)]
    assert [getattr(one, "text", None) for one in seen] == ["text 1", "text 2", "text 3"]


def test_how_sessions_are_is_told_at_once(sensor: Sensor) -> None:
    with sensor.session() as session:
        session.say(HELLO)
        told = sensor.fact("window", "on: x11 events")
        assert told.facts["sessions"] == "1"
        assert told.facts["clipboard"] == "off: by setting"
        session.say(Hello(nonce=NONCE, sources={"window": "off: the display went away"}))
        sensor.fact("window", "off: the display went away")
    sensor.fact("window", "off: no session is connected")


def test_a_program_is_hashed_after_its_window_was_reported(sensor: Sensor) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as program, sensor.session() as session:
        running = identify(program.pid)
        session.say(HELLO, handover(1, window(process=running)))
        first, then = sensor.next(), sensor.next()
        session.say(handover(2, window(process=running, title="another")))
        later = sensor.next()
        program.kill()
    expected = hashlib.sha256(Path("/bin/sleep").read_bytes()).hexdigest()
    assert isinstance(first, WindowFocused)
    assert first.sha256 is None
    assert isinstance(then, ProgramHashed)
    assert (then.process, then.uid, then.sha256) == (running, os.getuid(), expected)
    assert isinstance(later, WindowFocused)
    assert later.sha256 == expected


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b'{"sequence":0}',
        b"[" * 10_000,
        b'{"nonce":"0123456789abcdef","sources":{},"secret":"hunter2"}',
        encode(handover(1)).replace(b'"clipboard"', b'"outcome"'),
        json.dumps({"sequence": 1, "observation": {"kind": "clipboard", "text": "hunter2"}}).encode(),
    ],
)
def test_a_session_that_writes_garbage_is_cut_off_and_what_it_wrote_is_not_logged(
    sensor: Sensor, garbage: bytes
) -> None:
    with sensor.session() as session:
        session.say(HELLO, garbage)
        assert session.is_cut_off()
    with sensor.session() as session:
        session.say(HELLO, handover(1))
        assert session.taken() == 1
    log = sensor.log.read_text()
    assert "cut off a session" in log
    assert "hunter2" not in log


def test_a_hand_over_before_the_greeting_is_garbage(sensor: Sensor) -> None:
    with sensor.session() as session:
        session.say(handover(1))
        assert session.is_cut_off()


def test_a_stream_of_garbage_is_logged_at_a_pace_of_ours(sensor: Sensor) -> None:
    for _ in range(50):
        with sensor.session() as session:
            session.say(b"garbage")
            assert session.is_cut_off()
    assert len(sensor.log.read_text().splitlines()) < 12


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_a_second_and_says_so(sensor: Sensor, number: signal.Signals) -> None:
    with sensor.session() as session:
        session.say(HELLO)
        sensor.fact("window", "on: x11 events")
        began = time.monotonic()
        sensor.program.send_signal(number)
        assert sensor.program.wait(PATIENCE) == 0
        assert time.monotonic() - began < 1
        assert sensor.farewell() is Life.STOPPED
    assert not sensor.path.exists()


def test_what_was_taken_before_a_kill_is_spooled_once_though_it_is_handed_over_again(
    tmp_path: Path, running: RunningBroker
) -> None:
    handovers = [Handover(sequence=n, observation=clipboard(f"text {n}")) for n in range(1, 21)]
    for killed_after in (5, 12, 20):
        sensor = Sensor(tmp_path, running)
        with sensor.session() as session:
            session.say(HELLO, *handovers)  # its `taken` got lost, for all that the session knows
            for _ in range(killed_after):
                session.taken()
            sensor.program.kill()
            sensor.program.wait()
        sensor.close()
    sensor = Sensor(tmp_path, running)
    try:
        found = [sensor.next() for _ in handovers]
        texts = [each.text for each in found if isinstance(each, ClipboardCopied)]
        assert sorted(texts) == sorted(f"text {n}" for n in range(1, 21))
        sensor.program.terminate()
        assert isinstance(sensor.next(), Stopped), "nothing is there twice"
    finally:
        sensor.close()
