"""Ending a program on Linux: every signal goes through a pidfd, so it reaches the process that was meant.

The tree is stopped while it is counted: a stopped process neither forks nor leaves, so nothing gets away
between the look and the signal. Then all are told to end (TERM) in one go, then what else runs of the
program is looked for, and what has not ended after the grace is killed. A program that goes on forking
gets no grace.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable

from vedette_schemas import Terminate

from . import procfs
from .ended import ALREADY, ANOTHER_PROGRAM, NO_RIGHT, Ended, failed, gone, refused, summary
from .guards import Own, why_not
from .holding import MOMENT, Held, hold, settle
from .running import Running
from .same_program import Program, is_same_program, program_of
from .waking import parent_waker

if sys.platform != "linux":
    raise ImportError("only Linux has pidfds")

_KILL_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25
"""Between looks for what else runs of a program while it has time to end."""

_RESTLESS = 3
"""Looks that found more before a program counts as one that forks without end."""

_ELUSIVE_SECONDS = 0.3
"""Without a find, after which a program that goes from process to process counts as gone."""

_LOOKS = 10
"""That found nothing in a row are enough, on a machine where somebody is born all the time."""

_MOST_HELD = 400
"""Processes held at once; more than that are ended in several goes."""


def end(order: Terminate, own: Own, term_seconds: float) -> Ended:
    """End the process that `order` names, its tree, and what else runs of it."""
    try:
        target = hold(order.process.pid)
    except PermissionError:
        return failed(NO_RIGHT)
    except OSError as error:
        return failed(f"the process can't be had: {error.strerror}")
    if target is not None and target.running.process.started != order.process.started:
        os.close(target.descriptor)
        target = None
    if target is None:
        return _end_others(order, own, term_seconds)
    if (verdict := _why_refused(target.running, order, own)) is not None:
        os.close(target.descriptor)
        return verdict
    program = program_of(target.running, order.process) if order.others else None
    if program is not None and not target.lives():
        program = program._replace(file=None)  # which may be that of who has got the number
    wake_parent = parent_waker(target.running.parent)
    try:
        return _Hunt(target, program, own, order.uid).run(term_seconds)
    finally:
        wake_parent()


def _end_others(order: Terminate, own: Own, term_seconds: float) -> Ended:
    """End what runs of the program though the process that was meant is gone: it may go from one to the next.

    Only where the order says whose: nothing else ties what is found to what was meant.
    """
    if order.uid is None or not order.others:
        return ALREADY
    any_login = procfs.Login(None)
    program = Program(order.process.executable, order.process.started, order.uid, any_login)
    hunt = _Hunt(None, program, own, order.uid)
    ended = hunt.run(term_seconds)
    return gone(ended) if hunt.found_any else ALREADY


def _why_refused(running: Running, order: Terminate, own: Own) -> Ended | None:
    if (why := why_not(running, own, order.uid)) is not None:
        return refused(why)
    return None if is_same_program(running.process, order.process) else ANOTHER_PROGRAM


class _Hunt:
    """One program being ended."""

    def __init__(self, target: Held | None, program: Program | None, own: Own, only_uid: int | None) -> None:
        """Hunt the target's tree, and what else there is of the program."""
        self._target, self._program, self._own, self._only_uid = target, program, own, only_uid
        self._held = {} if target is None else {target.running.key: target}
        self._known = set(self._held)
        self._ended: list[Running] = []
        self._spared: dict[Running, str] = {}
        self._elusive = False

    @property
    def found_any(self) -> bool:
        """Tell whether there was anything to end or to spare."""
        return bool(self._known)

    def run(self, term_seconds: float) -> Ended:
        """End it, and let go of whatever would not end."""
        try:
            return self._run(term_seconds)
        except OSError as error:  # no descriptors left, no /proc
            return failed(f"not all of it was ended: {error.strerror}")
        finally:
            self.release()

    def _run(self, term_seconds: float) -> Ended:
        """End it, by TERM and then by KILL."""
        newcomers = self._freeze(list(self._held.values()))
        if self._target is not None and self._target.running in self._spared:
            return failed(NO_RIGHT)
        self._elusive = self._target is None or not self._target.lives()
        self._ask(newcomers, term_seconds)
        finished = self._force()
        left = [held.running for held in self._held.values()]
        return summary(self._ended, left=left, spared=self._spared, finished=finished)

    def release(self) -> None:
        """Let go of what is still held; nothing stays stopped."""
        for held in list(self._held.values()):
            self._send(held, signal.SIGCONT)
            os.close(held.descriptor)
        self._held.clear()

    def _ask(self, newcomers: list[Held], term_seconds: float) -> None:
        """Send TERM, also to what else is found of the program, and wait for as long as the grace lasts."""
        deadline = time.monotonic() + term_seconds
        pause, restless = _FIRST_PAUSE, 0
        while restless < _RESTLESS and time.monotonic() <= deadline:
            for number in signal.SIGTERM, signal.SIGCONT:
                for held in newcomers:
                    self._send(held, number)
            everyone = list(procfs.everyone())
            newcomers = self._freeze(self._children(everyone) + self._others(everyone))
            if newcomers:
                restless += 1
                continue
            self._wait(min(pause, deadline - time.monotonic()))
            if not self._held:
                return
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _force(self) -> bool:
        """Kill what is left; tell whether a look that began when none of it lived found no more.

        A look can miss a process that is born while it lasts: it counts if nobody was, or after a few. A
        program that goes from process to process takes many.
        """
        deadline = time.monotonic() + _KILL_SECONDS
        enough = time.monotonic() + (_ELUSIVE_SECONDS if self._elusive else 0)
        looks = 0
        while time.monotonic() < deadline:
            newest = procfs.newest()
            self._wait(0)
            some_lived = bool(self._held)
            others = self._others(procfs.everyone(newest_first=self._elusive))
            if not self._freeze([*self._held.values(), *others]) and not some_lived:
                looks += 1
                if time.monotonic() >= enough and (procfs.newest() == newest or looks >= _LOOKS):
                    return True
                time.sleep(MOMENT)
                continue
            looks = 0
            for held in list(self._held.values()):
                self._send(held, signal.SIGKILL)
            self._wait(deadline - time.monotonic())
            if self._elusive:
                enough = time.monotonic() + _ELUSIVE_SECONDS
        return False

    def _freeze(self, newcomers: list[Held]) -> list[Held]:
        """Stop these and all that descends from them; return them all, in the order of their birth."""
        stopped: list[Held] = []
        while newcomers:
            for held in newcomers:
                self._send(held, signal.SIGSTOP)
            stopped += newcomers
            settle(newcomers)
            if all(procfs.is_childless(held.running.process.pid) for held in newcomers):
                break  # the usual case, and a look at all of /proc takes milliseconds
            newcomers = self._children(procfs.everyone())
        return stopped

    def _children(self, everyone: Iterable[procfs.Stat]) -> list[Held]:
        """Take hold of the children of what is held."""
        parents = {held.running.process.pid: held for held in self._held.values()}
        return self._take(
            (stat for stat in everyone if stat.parent in parents),
            # The parent lives after the child named it: it is no other that has its number by now.
            lambda running: (parent := parents.get(running.parent)) is not None and parent.lives(),
        )

    def _others(self, everyone: Iterable[procfs.Stat]) -> list[Held]:
        """Take hold of what else runs of the program: what has left its tree, or came since."""
        if self._program is None:
            return []
        return self._take(filter(self._program.may_have, everyone), self._program.has)

    def _take(self, candidates: Iterable[procfs.Stat], belongs: Callable[[Running], bool]) -> list[Held]:
        """Take hold of the candidates that belong to the program and may be ended."""
        taken: list[Held] = []
        for stat in candidates:
            if (stat.pid, stat.started) in self._known:
                continue
            if len(self._held) >= _MOST_HELD:
                break
            held = self._hold_if(stat.pid, belongs)
            if held is not None:
                self._held[held.running.key] = held
                taken.append(held)
        return taken

    def _hold_if(self, pid: int, belongs: Callable[[Running], bool]) -> Held | None:
        try:
            held = hold(pid)
        except PermissionError:
            return None
        if held is None:
            return None
        if belongs(held.running):
            self._known.add(held.running.key)
            why = why_not(held.running, self._own, self._only_uid)
            if why is None:
                return held
            self._spared[held.running] = why
        os.close(held.descriptor)
        return None

    def _send(self, held: Held, number: signal.Signals) -> None:
        try:
            signal.pidfd_send_signal(held.descriptor, number)
        except ProcessLookupError:
            pass  # it has ended
        except PermissionError:
            self._spared[held.running] = NO_RIGHT
            self._let_go(held)

    def _wait(self, seconds: float) -> None:
        """Wait until all that is held has ended, for at most so long."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        by_descriptor = {held.descriptor: held for held in self._held.values()}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        while by_descriptor:
            for descriptor, _ in (ready := poll.poll(max(0.0, deadline - time.monotonic()) * 1_000)):
                poll.unregister(descriptor)
                held = by_descriptor.pop(descriptor)
                self._ended.append(held.running)
                self._let_go(held)
            if not ready:
                return

    def _let_go(self, held: Held) -> None:
        if self._held.pop(held.running.key, None) is not None:
            os.close(held.descriptor)
