"""Ending a program where there are no pidfds: psutil, which compares start times before each signal.

Here a program that renames its file in a loop gets away, and one that goes from process to process may.
"""

# mypy: disallow-untyped-calls=False
# (psutil has no types of its own)

import contextlib
from collections.abc import Iterable, Iterator

import psutil
from vedette_schemas import Process, Terminate

from .ended import ALREADY, ANOTHER_PROGRAM, NO_RIGHT, Ended, failed, gone, refused, summary
from .guards import Own, why_not
from .running import OF_KERNEL, Running

_KILL_SECONDS = 2.0


class OwnProcesses:
    """We ourselves and our ancestors, and what our parent started beside us of the same program."""

    def __init__(self, never: frozenset[str] = frozenset()) -> None:
        """Look around from ourselves. `never` are spared though not ours."""
        self.never = never
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
        return _end_others(order, own, term_seconds)
    if target.process.started != order.process.started:
        return _end_others(order, own, term_seconds)
    if (why := why_not(target, own, order.uid)) is not None:
        return refused(why)
    if target.process != order.process:
        return ANOTHER_PROGRAM
    belonging = [*_tree(process), *(_others(target) if order.others else ())]
    found, spared = _sorted_out(belonging, own, order.uid)
    return _end({process: target} | found, spared, term_seconds)


def _end_others(order: Terminate, own: Own, term_seconds: float) -> Ended:
    """End what runs of the program though the process that was meant is gone, where the order says whose."""
    if order.uid is None or not order.others:
        return ALREADY
    meant = Running(order.process, parent=0, uid=order.uid)
    found, spared = _sorted_out(_others(meant), own, order.uid)
    return gone(_end(found, spared, term_seconds)) if found or spared else ALREADY


def _sorted_out(
    belonging: Iterable[tuple[psutil.Process, Running]], own: Own, only_uid: int | None
) -> tuple[dict[psutil.Process, Running], dict[Running, str]]:
    """Return what may be ended, and what may not, with the reasons."""
    found: dict[psutil.Process, Running] = {}
    spared: dict[Running, str] = {}
    for process, running in belonging:
        if (why := why_not(running, own, only_uid)) is None:
            found[process] = running
        else:
            spared[running] = why
    return found, spared


def _end(found: dict[psutil.Process, Running], spared: dict[Running, str], term_seconds: float) -> Ended:
    left = list(found)
    for kill, seconds in (False, term_seconds), (True, _KILL_SECONDS):
        for process in left:
            with contextlib.suppress(psutil.Error):  # it has ended, or we may not: then it is left
                process.kill() if kill else process.terminate()
        left = psutil.wait_procs(left, seconds)[1]
    ended = [running for process, running in found.items() if process not in left]
    return summary(ended, left=[found[process] for process in left], spared=spared)


def _tree(process: psutil.Process) -> Iterator[tuple[psutil.Process, Running]]:
    """Yield what descends from `process`."""
    with contextlib.suppress(psutil.Error):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                yield child, _look(child)


def _others(target: Running) -> Iterator[tuple[psutil.Process, Running]]:
    """Yield what else runs of the target's program."""
    for other in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            running = _look(other)
            if running.key != target.key and _is_of_program(running, target):
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
