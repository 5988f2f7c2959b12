"""Which process is meant: a name for one run of a program that a reused PID does not share."""

import sys
from pathlib import Path

from vedette_schemas import MAX_PATH, Process

_STARTTIME = 19
"""Of the fields of /proc/PID/stat that follow the name in parentheses: field 22 of proc(5)."""


def identify(pid: int) -> Process | None:
    """Return what runs under `pid` now; `None` if it is gone or may not be looked at."""
    started = start_time(pid)
    if started is None:
        return None
    executable = _executable(pid)
    # Read again: between the two looks the PID may have changed hands.
    if executable is None or start_time(pid) != started:
        return None
    return Process(pid=pid, started=started, executable=executable)


if sys.platform == "linux":

    def start_time(pid: int) -> int | None:
        """Return when `pid` started, as `Process.started` has it; `None` if it is gone or a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        state, *fields = stat[stat.rindex(b")") + 2 :].split()
        return None if state in b"ZX" else int(fields[_STARTTIME - 1])

    def _executable(pid: int) -> str | None:
        try:
            link = str(Path(f"/proc/{pid}/exe").readlink())
        except OSError:
            return None
        # A program that deletes its own file is still the same program.
        return _printable(link.removesuffix(" (deleted)"))

else:
    import psutil

    def start_time(pid: int) -> int | None:
        """Return when `pid` started, as `Process.started` has it; `None` if it is gone or a zombie."""
        try:
            return int(psutil.Process(pid).create_time() * 1e6)
        except (psutil.Error, OSError, ValueError):
            return None

    def _executable(pid: int) -> str | None:
        try:
            return _printable(psutil.Process(pid).exe())
        except (psutil.Error, OSError, ValueError):
            return None


def _printable(path: str) -> str | None:
    """Return a path as a message can carry it: bytes that are no UTF-8 become replacement characters."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:MAX_PATH] or None
