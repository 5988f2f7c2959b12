"""A session that sees more than any user: numbered observations at a rate, listed programs among them.

`python -m tests.faults.load --help`. It speaks the product's own side of the session's line. It ends upon
SIGTERM, once the sensor has taken all that it made.
"""

import argparse
import json
import shutil
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from vedette_schemas import ClipboardCopied, Process, WindowFocused
from vedette_sensor.connecting import stay_connected
from vedette_sensor.handing import Kept, SensorLink
from vedette_sensor.observing import Observed
from vedette_transport import identify, start_time

from tests.faults.tally import Tally

_TICK = 0.01
_MOST_WAITING = 5_000
_CLIPBOARD_EACH = 20
_HEIR_AFTER = 3.0
"""Seconds after a listed program was ended: what ended it has done looking for more of it by then."""


class _Recorded(Kept):
    """What waits for the sensor, told in a tally."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally
        self.made = self.confirmed = self.gave_way = 0

    def add(self, observation: Observed) -> None:
        self.made += 1
        before = self.dropped
        super().add(observation)
        self.gave_way += self.dropped - before
        self._tally.write(made=self.made, dropped=self.gave_way)

    def taken(self, sequence: int) -> None:
        super().taken(sequence)
        self.confirmed = max(self.confirmed, sequence)
        self._tally.write(taken=self.confirmed)


class Load:
    """Makes the observations of one life of a session."""

    def __init__(self, folder: Path, life: int, ahead: float) -> None:
        """Write into `folder`; the host's clock is `ahead` by so many seconds."""
        self._folder, self._life, self._ahead = folder, life, timedelta(seconds=ahead)
        self.kept = _Recorded(Tally(folder / f"life-{life}.tally"))
        self._link = SensorLink(self.kept)
        self._link.tell("window", "on")
        self._link.tell("clipboard", "on")
        self._prey = 0
        self._hunted: list[tuple[Process, Path]] = []
        self._graves: list[tuple[float, Path]] = []

    def connect(self, socket: Path) -> None:
        talk = partial(stay_connected, "sensor", socket, self._link.hand_over)
        threading.Thread(target=talk, name="sensor", daemon=True).start()

    def see(self, *, windows_only: bool) -> None:
        """See a window, or now and then a copied text, under the next number."""
        words, now = self._words(), self._now()
        if windows_only or (self.kept.made + 1) % _CLIPBOARD_EACH:
            self._link.report(WindowFocused(seen_at=now, os="linux", title=words))
        else:
            self._link.report(ClipboardCopied(seen_at=now, text=words, length=len(words)))

    def copy(self, text: str) -> None:
        """See this text, under the next number."""
        words = f"{text}, {self._words()}"
        self._link.report(ClipboardCopied(seen_at=self._now(), text=words, length=len(words)))

    def see_prey(self) -> None:
        """Start a listed program and see its window."""
        self._prey += 1
        executable = self._folder / f"prey-{self._life}-{self._prey}"
        shutil.copy("/bin/sleep", executable)
        process = self._start(executable, self.kept.made + 1)
        self._hunted.append((process, executable))
        seen = WindowFocused(
            seen_at=self._now(), os="linux", title=self._words(), process=process, pid_from="server"
        )
        self._link.report(seen)

    def see_to_heirs(self) -> None:
        """Start each program that was ended once more, unseen: whoever acts twice on a command ends it."""
        now = time.monotonic()
        ended = [hunted for hunted in self._hunted if start_time(hunted[0].pid) != hunted[0].started]
        self._hunted = [hunted for hunted in self._hunted if hunted not in ended]
        self._graves += [(now, executable) for _, executable in ended]
        for grave in [grave for grave in self._graves if grave[0] < now - _HEIR_AFTER]:
            self._graves.remove(grave)
            self._start(grave[1], None)

    def _start(self, executable: Path, number: int | None) -> Process:
        """Start a program and write down which process that is, and the number of its window, if it has."""
        running = subprocess.Popen([executable, "600"], stdin=subprocess.DEVNULL)
        process = _identified(running.pid, executable)
        with (self._folder / "prey.jsonl").open("a") as file:
            file.write(json.dumps({"number": number, **process.model_dump()}) + "\n")
        return process

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def _words(self) -> str:
        return f"number {self._life}-{self.kept.made + 1} of the flood"


def _identified(pid: int, executable: Path) -> Process:
    """Return what runs there once it is that program: until its exec it is a copy of us."""
    while True:
        process = identify(pid)
        if process is not None and Path(process.executable).name == executable.name:
            return process
        time.sleep(0.001)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True, help="where its tally goes, and its prey")
    parser.add_argument("--socket", type=Path, required=True, help="the sensor's")
    parser.add_argument("--life", type=int, required=True)
    parser.add_argument("--rate", type=float, default=2_000.0, help="observations a second")
    parser.add_argument("--most", type=int, default=2**62, help="of them")
    parser.add_argument(
        "--wait", action="store_true", help="for the sensor, instead of letting them give way"
    )
    parser.add_argument("--ahead", type=float, default=0.0, help="seconds, by which the host's clock is off")
    parser.add_argument("--windows", action="store_true", help="and no copied texts")
    parser.add_argument("--copy", default="", help="this text, once, and nothing else")
    parser.add_argument("--prey", type=float, default=0.0, help="seconds between two listed programs")
    options = parser.parse_args()
    ended: list[int] = []  # an Event's lock may be held by what the signal interrupts

    def stop(_number: int, _frame: object) -> None:
        ended.append(1)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what was ended is not left as a zombie
    load = Load(options.folder.resolve(), options.life, options.ahead)
    load.connect(options.socket)
    began = time.monotonic()
    next_prey = began + options.prey if options.prey else float("inf")
    due = 0.0
    if options.copy:
        load.copy(options.copy)
        options.most = 0
    while not ended and load.kept.made < options.most:
        passed = time.monotonic() - began
        while due < min(passed * options.rate, options.most):
            if options.wait and load.kept.made - load.kept.confirmed > _MOST_WAITING:
                break
            load.see(windows_only=options.windows)
            due += 1
        if time.monotonic() >= next_prey:
            load.see_prey()
            next_prey += options.prey
        load.see_to_heirs()
        time.sleep(_TICK)
    while load.kept.confirmed < load.kept.made:
        time.sleep(_TICK)


if __name__ == "__main__":
    main()
