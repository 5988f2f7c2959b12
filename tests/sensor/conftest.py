"""A desktop, `vedette-session` watching it, and what takes its hand-overs."""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from vedette_schemas import (
    ClipboardCopied,
    Handover,
    Hello,
    Message,
    MessageError,
    Taken,
    WindowFocused,
    decode,
)
from vedette_transport import CANNOT_GO_ON, Client, Inbox, Joined, Left, Line, Server

from tests.desktop import PATIENCE, Desktop, end

Observed = WindowFocused | ClipboardCopied


def taken(sequence: int) -> Message:
    return Taken(sequence=sequence)


class Taker:
    """Plays the sensor: takes hand-overs, or answers otherwise; keeps the greeting."""

    def __init__(self, path: Path, answer: Callable[[int], Message | None] = taken) -> None:
        self._answer = answer
        self.sequences: list[int] = []
        self._inbox = Inbox()
        self._server = Server(path, self._inbox)
        self.hello: Hello | None = None
        self.client: Client | None = None
        self.has_left = False

    def next(self, seconds: float = PATIENCE) -> Observed:
        """Return the next observation, taken."""
        observation = self._until(lambda seen: seen is not None, seconds)
        assert observation is not None, f"nothing was handed over; {self.sources}"
        return observation

    def next_title(self, seconds: float = PATIENCE) -> str:
        observation = self.next(seconds)
        assert isinstance(observation, WindowFocused)
        return observation.title

    def title(self, title: str) -> WindowFocused:
        """Wait for the window of this title."""
        found = self._until(lambda seen: isinstance(seen, WindowFocused) and seen.title == title)
        assert isinstance(found, WindowFocused), f"no window '{title}' was handed over; {self.sources}"
        return found

    def copied(self, seconds: float = PATIENCE) -> ClipboardCopied:
        """Wait for the next copy."""
        found = self._until(lambda seen: isinstance(seen, ClipboardCopied), seconds)
        assert isinstance(found, ClipboardCopied), f"no copy was handed over; {self.sources}"
        return found

    def nothing_for(self, seconds: float) -> bool:
        """Whether nothing is handed over for a while."""
        return self._until(lambda seen: seen is not None, seconds) is None

    def source(self, name: str, words: str, seconds: float = PATIENCE) -> str:
        """Wait until a source is said to be so; return the exact words."""
        self._until(lambda _: words in self.sources.get(name, ""), seconds)
        assert words in self.sources.get(name, ""), self.sources
        return self.sources[name]

    def await_departure(self) -> None:
        """Wait until the session is gone."""
        self._until(lambda _: self.has_left)
        assert self.has_left

    @property
    def sources(self) -> Mapping[str, str]:
        return {} if self.hello is None else self.hello.sources

    def _until(self, holds: Callable[[Observed | None], bool], seconds: float = PATIENCE) -> Observed | None:
        deadline = time.monotonic() + seconds
        seen: Observed | None = None
        while not holds(seen):
            try:
                event = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            seen = None
            self.has_left = isinstance(event, Left)
            if isinstance(event, Joined):
                self.client = event.client
            if isinstance(event, Line):
                seen = self._read(event)
        return seen

    def _read(self, line: Line) -> Observed | None:
        line.client.handled()
        try:
            handover = decode(Handover, line.line)
        except MessageError:
            self.hello = decode(Hello, line.line)
            return None
        self.sequences.append(handover.sequence)
        if (answer := self._answer(handover.sequence)) is not None:
            line.client.send(answer)
        return handover.observation

    def close(self) -> None:
        if self.client is not None:
            self.client.cut()
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.close()


class Session:
    """A running `vedette-session`."""

    def __init__(self, folder: Path, environment: Mapping[str, str], **settings: object) -> None:
        self.log = folder / "session.log"
        lines = {
            "sensor_socket": folder / "sensor.sock",
            "enforcer_socket": folder / "enforcer.sock",
            **settings,
        }
        path = folder / "session.toml"
        path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in lines.items()))
        with self.log.open("wb") as log:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "vedette_sensor.session", "--settings", str(path)],
                env=environment,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def seconds_to_end(self, number: signal.Signals) -> float:
        """Tell it to end; return how long that took, if it ended in order."""
        began = time.monotonic()
        self.program.send_signal(number)
        assert self.program.wait(PATIENCE) == 0
        return time.monotonic() - began

    def refusal(self) -> str:
        """Return what it says when it can't go on."""
        assert self.program.wait(PATIENCE) == CANNOT_GO_ON
        return self.log.read_text()

    def children(self) -> list[int]:
        """Return the processes it started."""
        tasks = Path(f"/proc/{self.program.pid}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

    def cpu_seconds(self) -> float:
        """Return how long it has been busy."""
        fields = Path(f"/proc/{self.program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.program.terminate()
        try:
            self.program.wait(PATIENCE)
        finally:
            end(self.program)


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int | float) else f'"{value}"'


@pytest.fixture(scope="session")
def desktop() -> Iterator[Desktop]:
    with Desktop() as desktop:
        yield desktop


@pytest.fixture
def taker(tmp_path: Path) -> Iterator[Taker]:
    with Taker(tmp_path / "sensor.sock") as taker:
        yield taker


@pytest.fixture
def no_display() -> dict[str, str]:
    """The environment of a program without a display."""
    return {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
