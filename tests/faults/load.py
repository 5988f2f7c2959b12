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
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from vedette_schemas import ClipboardCopied, Process, WindowFocused
from vedette_sensor.connecting import stay_connected
from vedette_sensor.handing import Kept, SensorLink
from vedette_sensor.observing import Observed
from vedette_transport import identify

from tests.faults.tally import Tally

_TICK = 0.01
_MOST_WAITING = 5_000
_CLIPBOARD_EACH = 20


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

    def __init__(self, folder: Path, life: int) -> None:
        self._folder, self._life = folder, life
        self.kept = _Recorded(Tally(folder / f"life-{life}.tally"))
        self._link = SensorLink(self.kept)
        self._link.tell("window", "on")
        self._link.tell("clipboard", "on")
        self._prey = 0

    def connect(self, socket: Path) -> None:
        talk = partial(stay_connected, "sensor", socket, self._link.hand_over)
        threading.Thread(target=talk, name="sensor", daemon=True).start()

    def see(self) -> None:
        """See a window, or now and then a copied text, under the next number."""
        words, now = self._words(), datetime.now(UTC)
        if (self.kept.made + 1) % _CLIPBOARD_EACH:
            self._link.report(WindowFocused(seen_at=now, os="linux", title=words))
        else:
            self._link.report(ClipboardCopied(seen_at=now, text=words, length=len(words)))

    def copy(self, text: str) -> None:
        """See a text that is none of the numbered ones but counts as one."""
        words = f"{text} {self._words()}"
        self._link.report(ClipboardCopied(seen_at=datetime.now(UTC), text=words, length=len(words)))

    def see_prey(self) -> None:
        """Start a listed program and see its window."""
        self._prey += 1
        executable = self._folder / f"prey-{self._life}-{self._prey}"
        shutil.copy("/bin/sleep", executable)
        running = subprocess.Popen([executable, "600"], stdin=subprocess.DEVNULL)
        process = _identified(running.pid, executable)
        with (self._folder / "prey.jsonl").open("a") as file:
            record = {"life": self._life, "number": self.kept.made + 1, **process.model_dump()}
            file.write(json.dumps(record) + "\n")
        seen = WindowFocused(
            seen_at=datetime.now(UTC), os="linux", title=self._words(), process=process, pid_from="server"
        )
        self._link.report(seen)

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
    parser.add_argument("--prey", type=float, default=0.0, help="seconds between two listed programs")
    options = parser.parse_args()
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what was ended is not left as a zombie
    load = Load(options.folder.resolve(), options.life)
    load.connect(options.socket)
    began = time.monotonic()
    next_prey = began + options.prey if options.prey else float("inf")
    due = 0.0
    while not stopping.is_set() and load.kept.made < options.most:
        passed = time.monotonic() - began
        while due < min(passed * options.rate, options.most):
            if options.wait and load.kept.made - load.kept.confirmed > _MOST_WAITING:
                break
            load.see()
            due += 1
        if time.monotonic() >= next_prey:
            load.see_prey()
            next_prey += options.prey
        stopping.wait(_TICK)
    while load.kept.confirmed < load.kept.made:
        time.sleep(_TICK)


if __name__ == "__main__":
    main()
