"""Ending a program where there are no pidfds: psutil, which compares start times before each signal."""

# mypy: disallow-untyped-calls=False
# (psutil has no types of its own)

import contextlib
from collections.abc import Iterator

import psutil
from vedette_schemas import Process, Terminate

from .ended import ALREADY, ANOTHER_PROGRAM, NO_RIGHT, Ended, failed, refused, summary
from .guards import Own, why_not
from .running import OF_KERNEL, Running

_KILL_SECONDS = 2.0


class OwnProcesses:
    """We ourselves and our ancestors, and what our parent started beside us of the same program."""

    def __init__(self) -> None:
        """Look around from ourselves."""
        ours = psutil.Process()
        self.line = frozenset([ours.pid, *(ancestor.pid for ancestor in ours.parents())])
        self._parent, self._interpreter = ours.ppid(), ours.exe()

    def has(self, running: Running) -> bool:
        """Tell whether a process is Vedette's."""
        return bool(running.parent == self._parent and running.process.executable == self._interpreter)


def end(order: Terminate, own: Own, term_seconds: float) -> Ended:
    """End the process that `order` names, its tree, and what else runs of it."""
    try:
        process = psutil.Process(order.process.pid)
        target = _look(process)
    except psutil.AccessDenied:
        return failed(NO_RIGHT)
    except psutil.Error:
        return ALREADY
    if target.process.started != order.process.started:
        return ALREADY
    if (why := why_not(target, own, order.uid)) is not None:
        return refused(why)
    if target.process != order.process:
        return ANOTHER_PROGRAM
    found = {process: target}
    spared: dict[Running, str] = {}
    for other, running in _belonging(process, target):
        if (why := why_not(running, own, order.uid)) is None:
            found[other] = running
        else:
            spared[running] = why
    return _end(found, spared, term_seconds)


def _end(found: dict[psutil.Process, Running], spared: dict[Running, str], term_seconds: float) -> Ended:
    left = list(found)
    for kill, seconds in (False, term_seconds), (True, _KILL_SECONDS):
        for process in left:
            with contextlib.suppress(psutil.Error):  # it has ended, or we may not: then it is left
                process.kill() if kill else process.terminate()
        left = psutil.wait_procs(left, seconds)[1]
    ended = [running for process, running in found.items() if process not in left]
    return summary(ended, left=[found[process] for process in left], spared=spared)


def _belonging(process: psutil.Process, target: Running) -> Iterator[tuple[psutil.Process, Running]]:
    """Yield the tree below `process`, then what else runs of its program."""
    seen = {process}
    with contextlib.suppress(psutil.Error):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                seen.add(child)
                yield child, _look(child)
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if other not in seen and _is_of_program(running := _look(other), target):
                yield other, running


def _is_of_program(running: Running, target: Running) -> bool:
    return (
        running.process.executable == target.process.executable
        and running.process.started >= target.process.started
        and running.uid == target.uid
    )


def _look(process: psutil.Process) -> Running:
    uid = int(process.uids().real) if hasattr(process, "uids") else None
    started = round(process.create_time() * 1e6)
    executable = process.exe() or OF_KERNEL
    named = Process(pid=process.pid, started=started, executable=executable)
    return Running(named, process.ppid() or 0, uid, of_kernel=executable == OF_KERNEL)
