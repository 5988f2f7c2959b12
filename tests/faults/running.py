"""Programs that are kept running, as a supervisor keeps them, however often a test kills them."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

WAIT = 60.0
_TIED = ("setpriv", "--pdeathsig", "KILL")
"""What the tests start dies with them, however they end."""


class Program:
    """A program that is started again whenever it dies, until it is stopped."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> None:
        """Run `command` in `folder`; `prefix` is put before it (a namespace to enter, say).

        What is to run `once` is not started again.
        """
        self.name, self._folder, self._once = name, folder, once
        self._command = [*_TIED, *prefix, *_TIED, *command]
        self._environment = {**os.environ, **(environment or {})}
        if environment and "PYTHONPATH" in environment:  # before what is there already
            paths = (environment["PYTHONPATH"], os.environ.get("PYTHONPATH", ""))
            self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        self.log = folder / f"{name}.log"
        self.deaths = 0
        self.code: int | None = None
        """With which it ended last."""
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, and keep it running."""
        self._wanted = True
        self._thread = threading.Thread(target=self._keep_running, name=self.name, daemon=True)
        self._thread.start()
        with self._changed:
            assert self._changed.wait_for(lambda: self._process is not None, WAIT)

    def stop(self, how: signal.Signals = signal.SIGTERM, within: float = 20.0) -> None:
        """End it for good."""
        self._wanted = False
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self.send(how)
        thread.join(within)
        if thread.is_alive():
            self.send(signal.SIGKILL)
            thread.join(within)

    def kill(self) -> None:
        """Kill what runs now, and wait until it is gone; it is started again at once."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._process is not None, WAIT), (
                f"{self.name} is not there"
            )
            deaths = self.deaths
            self.send(signal.SIGKILL)
            assert self._changed.wait_for(lambda: self.deaths > deaths, WAIT)

    def send(self, how: signal.Signals) -> None:
        """Send a signal to what runs now."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(how)

    @property
    def pid(self) -> int:
        """The PID of what runs now."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._process is not None, WAIT), (
                f"{self.name} is not there"
            )
            assert self._process is not None
            return self._process.pid

    def said(self) -> str:
        """Return all that it has logged."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def await_said(self, words: str, times: int = 1, within: float = WAIT) -> None:
        """Wait until it has logged these words so often."""
        until(lambda: self.said().count(words) >= times, f"{self.name} says {words!r}", within)

    def _keep_running(self) -> None:
        while self._wanted:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    self._command,
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            with self._changed:
                self._process = process
                self._changed.notify_all()
            if not self._wanted:  # it was stopped in between
                process.kill()
            self._wanted = self._wanted and not self._once
            process.wait()
            with self._changed:
                self._process, self.code = None, process.returncode
                self.deaths += 1
                self._changed.notify_all()
            time.sleep(0.05)  # one that can't start must not take the processor from those that can


def until(condition: Callable[[], bool], what: str, within: float = WAIT, every: float = 0.05) -> float:
    """Wait for something that nothing tells of but itself; return the seconds that it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within, f"not within {within:.0f} s: {what}"
        time.sleep(every)
    return time.monotonic() - began
