"""Whether a process still runs the program that was meant, and which others run it.

An order names a program by its path, and a program may rename its file, or the folder that it is in. That
changes a ctime, which nobody can set back; a process that has gone over to another program (exec) runs
a file that was there before. So another path is forgiven where the file that runs, or what is at the path
that was meant, has changed since the process started.

What stays open: a process that has gone over to a file made or replaced after its start counts as the same
program, and so does one that has gone over to another after its own file was deleted; and a program gets
away that swaps the folder that it is in for one prepared before its start, with another file of its name.
"""

import os
import sys
import time
from typing import NamedTuple

from vedette_schemas import Process

from . import procfs
from .procfs import Login, Stat
from .running import Running

if sys.platform != "linux":
    raise ImportError("what runs under a PID is looked at as Linux shows it")

_READINGS, _BETWEEN = 20, 0.0005
"""Of a path that may change back and forth."""

_TICKS = os.sysconf("SC_CLK_TCK")


class Program(NamedTuple):
    """The processes of `uid` that run `path`, or `file` by whichever path, and started no earlier."""

    path: str
    started: int
    uid: int | None
    login: Login
    file: os.stat_result | None = None

    def may_have(self, stat: Stat) -> bool:
        """Tell whether a process is worth a closer look."""
        if stat.started < self.started or stat.of_kernel:
            return False
        return procfs.runs(stat.pid, self.path) or self._is_file(stat.pid)

    def has(self, running: Running) -> bool:
        """Tell whether a process is of this program."""
        pid = running.process.pid
        return (
            (running.process.executable == self.path or self._is_file(pid))
            and running.process.started >= self.started
            and running.uid == self.uid
            and procfs.login(pid).may_be(self.login)
        )

    def _is_file(self, pid: int) -> bool:
        if self.file is None:
            return False
        theirs = _status(f"/proc/{pid}/exe")
        return theirs is not None and os.path.samestat(theirs, self.file)


def program_of(target: Running, meant: Process) -> Program:
    """Return the program that the target runs; by its file too, if it may be about to change its path."""
    pid = target.process.pid
    file = _status(f"/proc/{pid}/exe")
    if file is not None and not _changed(file, target.process):
        file = None
    return Program(meant.executable, target.process.started, target.uid, procfs.login(pid), file)


def is_same_program(process: Process, meant: Process) -> bool:
    """Tell whether the process that was meant still runs the program that was meant."""
    if process.executable == meant.executable:
        return True
    running = _status(f"/proc/{process.pid}/exe")
    there = _status(f"/proc/{process.pid}/root{meant.executable}")
    if running is not None and (_changed(running, process) or there is None or _changed(there, process)):
        return True
    if running is not None and there is not None and os.path.samestat(running, there):
        return True
    for _ in range(_READINGS):
        if procfs.runs(process.pid, meant.executable):
            return True
        time.sleep(_BETWEEN)
    return False


def _changed(file: os.stat_result, process: Process) -> bool:
    """Tell whether a file was made, renamed or replaced after a process had started."""
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return file.st_ctime > booted + (process.started + 1) / _TICKS


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (see procfs.everyone)
    except OSError:
        return None
