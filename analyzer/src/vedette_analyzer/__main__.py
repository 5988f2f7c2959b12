"""`vedette-analyzer`: reports in, commands and alerts out. It decides nothing here: see core.py."""

import logging
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import (
    ANALYZER,
    Alert,
    MessageError,
    Severity,
    decode_report,
    decode_status,
    encode,
    topics,
)
from vedette_transport import Call, Event, Inbox, MqttSession, Received, load_settings, run, serve
from vedette_transport.signing import Signer

from .core import Analyzer, Effect
from .detectors import all_detectors
from .detectors.lists import Lists
from .faults import trace
from .settings import AnalyzerSettings
from .telling import own_alert
from .watch import ListFiles, ListsRead, watch

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0


class _Tick:
    """Time has passed."""


class Program:
    """The shell: what comes from the broker goes to the core, what the core wants goes to the broker."""

    def __init__(self, settings: AnalyzerSettings, folder: Path) -> None:
        """Read keys and lists; raise `SettingsError` where they can't be used."""
        self._settings = settings
        self._signer = Signer(folder / settings.key, folder / settings.certificate)
        self._files = ListFiles([folder / path for path in settings.lists])
        first = self._files.first()
        self._lists = Lists(first.table)
        self._analyzer = Analyzer(all_detectors(self._lists), settings.mode_of)
        self._entries = first.entries
        self._dropped = 0
        self._inbox = Inbox()
        self._inbox.put(Call(first))
        self._session = MqttSession(
            ANALYZER,
            settings.broker,
            self._inbox,
            subscriptions=(topics.EVERY_REPORT, topics.EVERY_STATUS),
            facts=self._facts,
        )

    def run(self) -> None:
        """Judge until told to stop."""
        stopping = threading.Event()
        for target in (watch, _tick):
            args = (self._files, self._inbox, stopping) if target is watch else (self._inbox, stopping)
            threading.Thread(target=target, args=args, name=target.__name__, daemon=True).start()
        serve(self._session, self._inbox, self._handle)
        stopping.set()

    def _handle(self, event: Event) -> None:
        now = datetime.now(UTC)
        match event:
            case Received(topic, payload):
                self._receive(topic, payload, now)
            case Call(ListsRead() as reading):
                self._take_lists(reading, now)
            case Call(_Tick()):
                self._publish(self._analyzer.tick(now))
            case _:
                pass

    def _receive(self, topic: str, payload: bytes | bytearray, now: datetime) -> None:
        try:
            if topics.is_report(topic):
                report = decode_report(topic, payload)
                self._publish(self._analyzer.report(report, received_at=now, now=_now))
            else:
                self._publish(self._analyzer.status(decode_status(topic, payload), now))
        except MessageError as error:
            self._drop(str(error))
        except Exception as error:  # noqa: BLE001 (no single message may end us)
            self._drop(f"a fault of ours: {trace(error)}")

    def _drop(self, why: str) -> None:
        """Count a message; say so at 1, 2, 4, 8, …: a flood of garbage must not become one in the log."""
        self._dropped += 1
        if self._dropped & (self._dropped - 1) == 0:
            log.warning("dropped a message that can't be used: %s (%d so far)", why, self._dropped)

    def _take_lists(self, reading: ListsRead, now: datetime) -> None:
        self._lists.table, self._entries = reading.table, reading.entries
        log.info("%d indicators in force", reading.entries)
        for problem in reading.problems:
            log.warning("%s", problem)
            self._publish([own_alert("list", Severity.MEDIUM, problem, now=now)])

    def _publish(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Alert):
                self._session.publish(topics.alert(effect.severity, effect.host), encode(effect))
            else:
                token = self._signer.sign(effect.command)
                self._session.publish(topics.command(effect.audience), token.encode())

    def _facts(self) -> dict[str, str]:
        return {
            "indicators": f"on: {self._entries} in force",
            "mode": str(self._settings.mode),
            "dropped": str(self._dropped),
        }


def _now() -> datetime:
    return datetime.now(UTC)


def _tick(inbox: Inbox, stopping: threading.Event) -> None:
    while not stopping.wait(TICK_SECONDS):
        inbox.put(Call(_Tick()))


def _program(path: Path) -> None:
    Program(load_settings(AnalyzerSettings, path), path.parent).run()


def main() -> None:
    """Run the analyzer."""
    run("vedette-analyzer", "Judges what sensors report and orders what is to be done.", _program)


if __name__ == "__main__":
    main()
