"""A real notifier beside a real archive."""

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from vedette_archive import Batch, Writer
from vedette_schemas import Alert, Kind, Match, Origin, Where

from tests.archive import history

WAIT = 20.0


def alert(**changes: Any) -> Alert:
    """Return an alert of now, of which no other is like."""
    fields: dict[str, Any] = {"id": uuid4(), "at": datetime.now(UTC)}
    return history.alert(**(fields | changes))


def match(**changes: Any) -> Match:
    fields: dict[str, Any] = {
        "type": "url",
        "value": "http://evil.example/x",
        "subject": "http://evil.example/x?q=what-was-copied",
        "where": Where.TEXT,
        "list": "blocklist.csv",
        "line": 12,
        "comment": "a lure",
    }
    return Match(**(fields | changes))


def origin(**changes: Any) -> Origin:
    fields: dict[str, Any] = {
        "principal": "sensor@host-7",
        "spool": "00112233aabbccdd",
        "kind": Kind.WINDOW,
        "number": 1,
        "uid": 1000,
        "excerpt": "what anna reads",
    }
    return Origin(**(fields | changes))


class Telling:
    """A folder with an archive, `notify.toml` and the notifier that serves them."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.settings = folder / "notify.toml"
        self.settings.write_text(settings)
        self.writer = Writer(folder / "archive.db")
        self.said: list[str] = []
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.process: subprocess.Popen[str] | None = None

    def archive(self, alerts: Iterable[Alert]) -> None:
        self.writer.store(Batch(alerts=tuple(alerts)))

    def start(self, until: str = "following") -> None:
        """Start it; it tells when this returns, or has said something else."""
        self.process = process = subprocess.Popen(
            self.command("run"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        self.await_line(until)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(WAIT)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)

    def await_lines(self, *parts: str) -> None:
        """Wait until it has said lines with these in them, in any order."""
        left = set(parts)
        while left:
            line = self.await_line("")
            left = {part for part in left if part not in line}

    def await_line(self, part: str, within: float = WAIT) -> str:
        """Return the next line that it says with this in it."""
        while True:
            try:
                line = self._lines.get(timeout=within)
            except Empty:
                raise AssertionError(f"not said: {part!r}; said was {self.said}") from None
            if part in line:
                return line

    def command(self, *words: str) -> list[str]:
        module = [sys.executable, "-P", "-m", "vedette_analyzer.notifying"]
        return [*module, *words, "--settings", str(self.settings)]

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=60)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT)
        self.writer.close()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        with contextlib.suppress(ValueError), process.stderr as lines:
            for line in lines:
                self.said.append(line)
                self._lines.put(line)


@contextlib.contextmanager
def telling(folder: Path, settings: str, *, start: bool = True) -> Generator[Telling]:
    found = Telling(folder, settings)
    try:
        if start:
            found.start()
        yield found
    finally:
        found.close()
