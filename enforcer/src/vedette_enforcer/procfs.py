"""What the Linux kernel says of processes: read straight from /proc, cheap enough to look at all of them.

Only what the kernel vouches for is read here; what a process says of itself (its name, its arguments) is
not, so that no program protects itself by what it calls itself.
"""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from vedette_schemas import MAX_PATH, Process

from .running import OF_KERNEL, Running

_PARENT, _FLAGS, _STARTED = 1, 6, 19
"""Of the fields of /proc/PID/stat that follow the name in parentheses: 4, 9 and 22 of proc(5)."""

_PF_KTHREAD = 0x0020_0000
_REAL_UID = re.compile(rb"^Uid:\t(\d+)", re.MULTILINE)
_UNSET = 2**32 - 1


class Stat(NamedTuple):
    """What /proc/PID/stat says."""

    pid: int
    parent: int
    started: int
    of_kernel: bool


def newest() -> int:
    """Return the PID that was given last: while it stays the same nobody is born."""
    return int(_read("/proc/loadavg").rsplit(maxsplit=1)[1])


def everyone(*, newest_first: bool = False) -> Iterator[Stat]:
    """Yield all processes; with `newest_first`, that one before the list is even read."""
    if newest_first and (last := stat(newest())) is not None:
        yield last
    names = os.listdir("/proc")  # noqa: PTH208 (on the way to each kill: pathlib takes three times as long)
    for name in reversed(names) if newest_first else names:
        if name.isdecimal() and (found := stat(int(name))) is not None:
            yield found


def stat(pid: int) -> Stat | None:
    """Return what the kernel says of `pid`; `None` if it is gone or hidden from us."""
    try:
        text = _read(f"/proc/{pid}/stat")
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2 :].split(b" ", _STARTED + 1)
    of_kernel = bool(int(fields[_FLAGS]) & _PF_KTHREAD)
    return Stat(pid, int(fields[_PARENT]), int(fields[_STARTED]), of_kernel)


def look(pid: int) -> Running | None:
    """Return what runs under `pid`; `None` if it is gone; raise `PermissionError` if we may not see it.

    Unlike `identify` it also sees a process whose first thread has ended while others go on: the kernel
    shows that as a zombie, and it is none.
    """
    found = stat(pid)
    if found is None:
        return None
    try:
        path = OF_KERNEL if found.of_kernel else executable(pid)
        uid = real_uid(pid)
    except PermissionError:
        raise
    except OSError:
        return None
    again = stat(pid)
    if path is None or uid is None or again is None or again.started != found.started:
        return None
    process = Process(pid=pid, started=found.started, executable=path)
    return Running(process, again.parent, uid, found.of_kernel)


def executable(pid: int) -> str | None:
    """Return the file that `pid` runs, as `Process.executable` has it; `None` if it runs none any more."""
    try:
        link = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 (see everyone)
    except FileNotFoundError:
        return _executable_of_threads(pid)
    return _printable(link)


def runs(pid: int, path: str) -> bool:
    """Tell whether `pid` runs the file `path`, as far as we may know."""
    try:
        return executable(pid) == path
    except OSError:
        return False


def is_still(pid: int) -> bool:
    """Tell whether all threads of `pid` have stopped or ended: one amid a fork finishes that first."""
    try:
        return all(_state(f"/proc/{pid}/task/{thread}/stat") in b"TtZX" for thread in _threads(pid))
    except OSError:
        return True  # it has ended


def is_childless(pid: int) -> bool:
    """Tell whether `pid` surely has no children; kernels that don't list them leave the answer open."""
    try:
        return not any(_read(f"/proc/{pid}/task/{thread}/children") for thread in _threads(pid))
    except OSError:
        return False


def real_uid(pid: int) -> int | None:
    """Return the user that started `pid`, whatever rights it has taken on since."""
    found = _REAL_UID.search(_read(f"/proc/{pid}/status"))
    return int(found[1]) if found else None


def ancestors(pid: int) -> Iterator[Stat]:
    """Yield the parent of `pid`, its parent, and so on up to PID 1."""
    found = stat(pid)
    while found is not None and found.parent > 0:
        found = stat(found.parent)
        if found is not None:
            yield found


def cgroup(pid: int) -> str:
    """Return the control groups of `pid`, which only root and the user's own manager can move it between."""
    try:
        return _read(f"/proc/{pid}/cgroup").decode("utf-8", "replace")
    except OSError:
        return ""


def same_user_namespace(pid: int) -> bool:
    """Tell whether `pid` lives in our user namespace; in one of its own a user is root over mounts."""
    try:
        theirs = os.stat(f"/proc/{pid}/ns/user")  # noqa: PTH116 (see everyone)
        return os.path.samestat(theirs, os.stat("/proc/self/ns/user"))  # noqa: PTH116
    except OSError:
        return False


class Login(NamedTuple):
    """The sign-in that a process descends from: the kernel's audit session, inherited and fixed.

    A POSIX session would not do: setsid, the first step of every double fork, leaves it. Programs that the
    user's service manager starts (`systemd-run --user`) bear the manager's number instead of the sign-in's,
    so those, like all where the kernel sets no number, count as being of any of the user's sign-ins.
    """

    number: int | None

    def may_be(self, other: "Login") -> bool:
        """Tell whether both may be one sign-in."""
        return self.number == other.number or None in (self.number, other.number)


def login(pid: int) -> Login:
    """Return the sign-in that `pid` belongs to."""
    try:
        number = int(_read(f"/proc/{pid}/sessionid"))
    except (OSError, ValueError):  # a kernel without audit
        return Login(None)
    by_manager = number != _UNSET and "/user@" in cgroup(pid)
    return Login(None if number == _UNSET or by_manager else number)


def _executable_of_threads(pid: int) -> str | None:
    try:
        threads = _threads(pid)
    except FileNotFoundError:
        return None
    for thread in threads:
        try:
            return _printable(os.readlink(f"/proc/{pid}/task/{thread}/exe"))  # noqa: PTH115
        except FileNotFoundError:
            continue
    return None


def _threads(pid: int) -> list[str]:
    return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208


def _state(path: str) -> bytes:
    text = _read(path)
    return text[(at := text.rindex(b")") + 2) : at + 1]


def _printable(link: str) -> str | None:
    # A program that deletes its own file is still the same program.
    path = link.removesuffix(" (deleted)")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:MAX_PATH] or None


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 16_384)
    finally:
        os.close(descriptor)
