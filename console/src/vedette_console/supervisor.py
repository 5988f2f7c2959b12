"""Starts programs, starts them again when they die, and ends them all."""

import contextlib
import errno
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vedette_transport import CANNOT_GO_ON, Call, Inbox, backoff

STOP_SECONDS = 2.0
_STEADY_SECONDS = 30.0
"""A program that ran this long starts its back-off anew."""
MAX_LOG = 4 * 2**20
_LOG_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
)
"""Through no link, and without waiting for a reader where somebody left a pipe in the place of a log."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program is gone; `can_go_on` says whether starting it again may help."""

    name: str
    code: int
    last_words: str
    failed_to_start: bool = False

    @property
    def can_go_on(self) -> bool:
        """Tell whether it died, and did not say that it can't go on."""
        return self.code != CANNOT_GO_ON

    @property
    def how(self) -> str:
        """How it ended."""
        return f"killed by signal {-self.code}" if self.code < 0 else f"exit code {self.code}"

    @property
    def reason(self) -> str:
        """What it said in its last line, without its name."""
        if self.failed_to_start:
            return self.last_words
        return self.last_words.partition(": ")[2] or self.last_words


@dataclass(frozen=True, slots=True)
class Due:
    """A program that died is to be started again."""

    name: str


class _Child:
    """One program and its runs."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name, self.command, self.log = name, command, log
        self.process: subprocess.Popen[bytes] | None = None
        self.began = 0.0
        self.delays: Iterator[float] = backoff(first=0.2, longest=30.0)


class Supervisor:
    """Runs programs in `folder`; tells in `inbox` when one ends."""

    def __init__(self, folder: Path, inbox: Inbox, environment: Mapping[str, str] | None = None) -> None:
        """Begin with none. They get our environment, or the one given."""
        self._folder, self._inbox, self._environment = folder, inbox, environment
        self._children: dict[str, _Child] = {}
        self._stopping = False

    def start(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start a program."""
        self._children[name] = child = _Child(name, [*tied_to_us(), *command], log)
        self._run(child)

    def restart_later(self, name: str) -> float:
        """Start a program that has died again, in a while; return in how many seconds."""
        child = self._children[name]
        if time.monotonic() - child.began > _STEADY_SECONDS:
            child.delays = backoff(first=0.2, longest=30.0)
        delay = next(child.delays)
        timer = threading.Timer(delay, self._inbox.put, (Call(Due(name)),))
        timer.daemon = True
        timer.start()
        return delay

    def restart(self, name: str) -> None:
        """Start a program again that has died."""
        if not self._stopping:
            self._run(self._children[name])

    def pid(self, name: str) -> int | None:
        """Return a program's PID, if it runs."""
        child = self._children.get(name)
        return child.process.pid if child and child.process and child.process.poll() is None else None

    def stop(self, *last: str) -> None:
        """End all; those of these names when the others are gone."""
        self._stopping = True
        running = {child.name: child.process for child in self._children.values() if child.process}
        _end([process for name, process in reversed(running.items()) if name not in last], STOP_SECONDS)
        _end([process for name, process in running.items() if name in last], STOP_SECONDS / 3)

    def trim_logs(self) -> None:
        """Set logs that have grown too long aside, as `….log.1`, and begin them anew."""
        for child in self._children.values():
            with contextlib.suppress(OSError):
                if child.log.stat().st_size > MAX_LOG:
                    shutil.copyfile(
                        child.log, child.log.with_name(child.log.name + ".1"), follow_symlinks=False
                    )
                    os.truncate(child.log, 0)

    def _run(self, child: _Child) -> None:
        """Start a program; where that fails it counts as one that ended, to be tried again."""
        child.began = time.monotonic()
        try:
            self._spawn(child)
        except OSError as error:
            why = f"can't be started: {error.filename or child.log}: {error.strerror}"
            self._inbox.put(Call(Ended(child.name, 1, why, failed_to_start=True)))

    def _spawn(self, child: _Child) -> None:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(child.log, _LOG_FLAGS, 0o644), "ab") as log:
            if not stat.S_ISREG(os.fstat(log.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(child.log))
            child.process = subprocess.Popen(
                child.command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._wait, args=(child, child.process), name=child.name, daemon=True).start()

    def _wait(self, child: _Child, process: "subprocess.Popen[bytes]") -> None:
        code = process.wait()
        if not self._stopping:
            self._inbox.put(Call(Ended(child.name, code, _last_line(child.log))))


def tied_to_us() -> list[str]:
    """Return what makes the kernel end a program with the thread that starts it, even if that is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _end(processes: Sequence["subprocess.Popen[bytes]"], seconds: float) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_line(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2_000))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.strip()), "")
