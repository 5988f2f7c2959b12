"""A broker, the real analyzer and an enforcer that only answers: what the command line acts on."""

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from vedette_console.deployment import Deployment
from vedette_console.trusting import is_established
from vedette_schemas import (
    Alert,
    Command,
    Kind,
    Mode,
    Outcome,
    OutcomeStatus,
    Principal,
    Process,
    decode_alert,
    encode,
    topics,
)
from vedette_transport import BrokerAddress
from vedette_transport.signing import CommandRefusedError, Verifier

from tests import brokers, messages
from tests.e2e.product import WAIT, write_list

ENFORCER = Principal.parse("enforcer@host-7")
SENSOR = Principal.parse("sensor@host-7")
FACTS = {"terminate": "on", "notify": "on", "block": "on", "isolate": "on", "undo": "on"}


class FakeEnforcer:
    """Tells how it is each second and answers each command once; what it takes is in `taken`."""

    def __init__(self, broker: BrokerAddress, ca: Path) -> None:
        self.taken: SimpleQueue[Command] = SimpleQueue()
        self.answers = True
        self.says: dict[str, str] = {}
        self.answer: tuple[OutcomeStatus, str] = OutcomeStatus.DONE, "{action} is done"
        self._known: set[str] = set()
        self._number = 0
        self._verifier = Verifier(ca, ENFORCER)
        self._client = brokers.Client(broker, topics.command(ENFORCER), client_id=str(ENFORCER))
        self._spool = f"{time.time_ns():016x}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._client.close()

    def _serve(self) -> None:
        next_beat = 0.0
        while not self._ended.is_set():
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + 1
                now = datetime.now(UTC)
                status = messages.status(at=now, facts={**FACTS, **self.says}, number=int(time.time() * 1000))
                self._client.publish(topics.status(ENFORCER), encode(status))
            if self._client.messages.empty():
                time.sleep(0.02)
                continue
            _, payload = self._client.next()
            with contextlib.suppress(CommandRefusedError):
                self._take(self._verifier.verify(payload.decode(), datetime.now(UTC)))

    def _take(self, command: Command) -> None:
        if str(command.id) not in self._known:
            self._known.add(str(command.id))
            self.taken.put(command)
        if not self.answers:
            return
        self._number += 1
        now = datetime.now(UTC)
        order, (status, words) = command.order, self.answer
        ended: tuple[Process, ...] = (order.process,) if order.action == "terminate" else ()
        outcome = Outcome(
            seen_at=now,
            taken_at=now,
            command_id=command.id,
            action=order.action,
            status=status,
            reason=words.format(action=order.action),
            ended=ended,
        )
        report = messages.report(
            outcome, sender=str(ENFORCER), spool=self._spool, first=self._number, sent_at=now
        )
        self._client.publish(topics.report(ENFORCER, Kind.OUTCOME), encode(report))


class ActingSite:
    """What a test drives: alerts as they come, the analyzer to kill, the command line to use."""

    def __init__(self, folder: Path, broker: BrokerAddress, mode: Mode, *rows: str) -> None:
        self.folder, self.broker = folder / "run", broker
        lists = (write_list(folder / "list.csv", *rows),)
        port = brokers.free_port()
        self.deployment = Deployment(
            self.folder, "host-7", broker, lists, ca_port=port, mode=mode, own_broker=False
        )
        self.deployment.prepare()
        with (self.folder / "ca.log").open("ab") as log:
            self._ca = subprocess.Popen(self.deployment.command("ca"), stdout=log, stderr=log)
        while not is_established(self.deployment):
            assert self._ca.poll() is None, "the CA ended"
        self.watch = brokers.Client(
            broker, topics.EVERY_ALERT, f"{topics.status(Principal.parse('analyzer@0'))}"
        )
        self.alerts: list[Alert] = []
        self._number = 0
        self._analyzer: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the analyzer, and wait until it is there."""
        with (self.folder / "analyzer.log").open("ab") as log:
            while not self.watch.messages.empty():
                self.watch.next()  # the last one's heartbeats say nothing of this one
            self._analyzer = subprocess.Popen(self.deployment.command("analyzer"), stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            topic, payload = self.watch.next()
            if "/status/" in topic and b'"running"' in payload:
                return
        raise AssertionError("no analyzer")

    def kill(self) -> None:
        assert self._analyzer is not None
        self._analyzer.kill()
        self._analyzer.wait()

    def stop(self) -> None:
        """Have the analyzer end in order."""
        assert self._analyzer is not None
        self._analyzer.terminate()
        assert self._analyzer.wait(WAIT) == 0

    def copy(self, text: str) -> None:
        """Have the sensor report a copied text."""
        self._number += 1
        now = datetime.now(UTC)
        item = messages.clipboard(text, seen_at=now)
        report = messages.report(item, sender=str(SENSOR), first=self._number, sent_at=now)
        self.watch.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))

    def alert(self, wanted: Callable[[Alert], bool]) -> Alert:
        """Wait for an alert of that kind."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            topic, payload = self.watch.next(max(0.01, deadline - time.monotonic()))
            if topic.startswith(topics.ALERTS):
                alert = decode_alert(payload)
                self.alerts.append(alert)
                if wanted(alert):
                    return alert
        raise AssertionError("no such alert")

    def vedette(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line."""
        command = [sys.executable, "-m", "vedette_console", *words, "--folder", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def close(self) -> None:
        if self._analyzer is not None and self._analyzer.poll() is None:
            self.stop()
        self._ca.terminate()
        self._ca.wait(WAIT)
        self.watch.close()


@contextmanager
def acting_site(folder: Path, mode: Mode, *rows: str) -> Generator[tuple[ActingSite, FakeEnforcer]]:
    """Run it all until the block ends."""
    with brokers.broker("embedded", folder / "broker") as broker:
        site = ActingSite(folder, broker.address, mode, *rows)
        try:
            site.start()
            with FakeEnforcer(broker.address, site.deployment.public / "ca.pem") as enforcer:
                time.sleep(1.5)  # until its first heartbeat has been heard: nothing tells when
                yield site, enforcer
        finally:
            site.close()
