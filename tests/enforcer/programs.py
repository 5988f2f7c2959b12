"""Real programs for the enforcer to end or to spare: copies with paths of their own, all ended afterwards.

What is ended as "the same program" must never be a file that others run, so every target is a copy.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from vedette_enforcer.procfs import everyone, look
from vedette_enforcer.running import Running
from vedette_schemas import Process

PERL = Path("/usr/bin/perl")
SLEEP = Path("/bin/sleep")
NOBODY = 65_534
_PATIENCE = 20.0

SAY = "use POSIX; sub say { syswrite STDOUT, getpid() . qq(\\n) } sub stay { say(); sleep 100 while 1 } "
"""Perl: `say` tells that a process runs, `stay` tells it and stays."""


class Started:
    """A program that was started, and what it says: the number of each process that it consists of."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self._seen: list[Running] = []
        self._buffer = b""

    def processes(self, count: int) -> list[Process]:
        """Wait until so many of its processes have told that they run; return them."""
        return [running.process for running in self.runnings(count)]

    def runnings(self, count: int) -> list[Running]:
        while len(self._seen) < count:
            self._read()
        return self._seen[:count]

    def process(self) -> Process:
        """Wait until it runs."""
        return self.processes(1)[0]

    def all_end(self) -> bool:
        """Tell whether all of its processes end: the last one to end closes what it talks through."""
        try:
            while True:
                self._read()
        except EOFError:
            return True
        except TimeoutError:
            return False

    def clear_away(self) -> None:
        """End what is left of it, by descriptors that were checked."""
        if self.popen.poll() is None:
            self.popen.kill()
        for running in self._seen:
            _end(running.process)
        self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()

    def _read(self) -> None:
        stdout = self.popen.stdout
        assert stdout is not None
        if not select.select([stdout], [], [], _PATIENCE)[0]:
            raise TimeoutError("it says nothing")
        said = os.read(stdout.fileno(), 65_536)
        if not said:
            raise EOFError("it has ended")
        *lines, self._buffer = (self._buffer + said).split(b"\n")
        self._seen += [running for line in lines if (running := look(int(line))) is not None]


class Programs:
    """Starts programs from a folder that any user may look into."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vedette-"))
        self.folder.chmod(0o755)
        self._folders = [self.folder]
        self._started: list[Started] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for started in reversed(self._started):
            started.clear_away()
        for folder in self._folders:
            _end_all_that_run_from(folder)
            shutil.rmtree(folder)

    def copy(self, name: str = "evil", of: Path = PERL, folder: Path | None = None) -> Path:
        """Copy a program: what runs of the copy is what a test has started."""
        path = (folder or self.folder) / name
        shutil.copy(of, path)
        path.chmod(0o755)
        return path

    def roots_folder(self) -> Path:
        """Make a folder that only root could have made."""
        folder = Path(tempfile.mkdtemp(prefix="vedette-", dir="/opt"))
        folder.chmod(0o755)
        self._folders.append(folder)
        return folder

    def perl(self, script: str, path: Path | None = None, user: int | None = None) -> Started:
        """Run a Perl script by a copy of Perl; it may `say` and `stay`."""
        return self.start([str(path or self.copy()), "-e", SAY + script], user=user)

    def stay(self, path: Path, user: int | None = None, name: str | None = None) -> Process:
        """Run a copy of Perl that stays, and return it once it runs; it may call itself by another name."""
        argv = [name or str(path), "-e", SAY + "stay"]
        return self.start(argv, executable=path, user=user).process()

    def python(self, script: str, path: Path, *arguments: str) -> Started:
        """Run a Python script by a copy of our interpreter."""
        environment = {**os.environ, "PYTHONHOME": sys.base_prefix, "PYTHONPATH": os.pathsep.join(sys.path)}
        return self.start([str(path), "-c", script, *arguments], environment=environment)

    def start(
        self,
        argv: list[str],
        *,
        executable: Path | None = None,
        user: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> Started:
        started = Started(
            subprocess.Popen(
                argv,
                executable=executable,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                user=user,
                env=environment,
                cwd="/",
            )
        )
        self._started.append(started)
        return started


def lives(process: Process) -> bool:
    """Tell whether this very process still runs."""
    running = look(process.pid)
    return running is not None and running.process == process


def numbers(processes: Iterable[Process]) -> set[int]:
    return {process.pid for process in processes}


def _end_all_that_run_from(folder: Path) -> None:
    """End what has said nothing yet, or was started by what it ran: none but ours can run from there."""
    for stat in everyone():
        with contextlib.suppress(OSError):
            running = look(stat.pid)
            if running is not None and Path(running.process.executable).is_relative_to(folder):
                _end(running.process)


def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:
            if lives(process):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        finally:
            os.close(descriptor)
