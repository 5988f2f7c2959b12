"""Which processes are Vedette's: our ancestors, and what our supervisor or the system's started beside us.

A program must not be able to protect itself by what it says of itself, so neither arguments nor names nor
a connection to our socket count (anyone may connect). Two things do, which the kernel vouches for and
which a program can't choose:

- its parents: below the supervisor that started us, a Vedette program itself, in an unbroken line of
  processes that all run our interpreter. Nobody is born there but by the supervisor's doing: orphans go
  to PID 1 or the user's service manager, which run no Python.
- its control group: a unit `vedette-….service` of the system, where only root can put a process.

A session that a user started by hand is neither: it is that user's own process, which they may end too.
"""

import os
import re

from . import procfs
from .running import Running

_UNIT = re.compile(r"^[0-9]+:[^:]*:/system\.slice/vedette-[^/]+\.service(?:/|$)", re.MULTILINE)


class OwnProcesses:
    """We ourselves, and what that makes of others."""

    def __init__(self, pid: int | None = None, never: frozenset[str] = frozenset()) -> None:
        """Look around from `pid`: from ourselves, if none is given. `never` are spared though not ours."""
        self.never = never
        pid = os.getpid() if pid is None else pid
        above = [ancestor.pid for ancestor in procfs.ancestors(pid)]
        self.line = frozenset([pid, *above])
        self._interpreter = _executable(pid)
        supervised = bool(above) and _executable(above[0]) == self._interpreter is not None
        self._supervisor = above[0] if supervised else None

    def has(self, running: Running) -> bool:
        """Tell whether a process is Vedette's."""
        return self._is_kin(running) or is_of_our_unit(procfs.cgroup(running.process.pid))

    def _is_kin(self, running: Running) -> bool:
        if self._supervisor is None or running.process.executable != self._interpreter:
            return False
        parent = running.parent
        while parent != self._supervisor:
            found = procfs.stat(parent)
            if found is None or _executable(parent) != self._interpreter:
                return False
            parent = found.parent
        return True


def is_of_our_unit(cgroups: str) -> bool:
    """Tell whether /proc/PID/cgroup names a unit of Vedette's that the system started."""
    return _UNIT.search(cgroups) is not None


def _executable(pid: int) -> str | None:
    try:
        return procfs.executable(pid)
    except OSError:
        return None
