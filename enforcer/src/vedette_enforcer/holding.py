"""Holding a process by a descriptor that is it: its number may pass to another, the descriptor can't."""

import os
import select
import sys
import time
from typing import NamedTuple

from . import procfs
from .running import Running

if sys.platform != "linux":
    raise ImportError("only Linux has pidfds")

_SETTLE_SECONDS, MOMENT = 0.02, 0.00005
"""For a stop to take effect: microseconds, but on a busy machine."""


class Held(NamedTuple):
    """A process and its descriptor."""

    running: Running
    descriptor: int

    def lives(self) -> bool:
        """Tell whether it has not ended."""
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return not poll.poll(0)


def hold(pid: int) -> Held | None:
    """Take hold of `pid`; `None` if it is gone; raise `PermissionError` if we may not see it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    running = None
    try:
        # Looked at after the descriptor was opened: what lives under the number now is what we hold,
        # or what we hold is dead and no signal reaches anything.
        running = procfs.look(pid)
    finally:
        if running is None:
            os.close(descriptor)
    return None if running is None else Held(running, descriptor)


def settle(stopped: list[Held]) -> None:
    """Wait until all have really stopped: one that is amid a fork has a child that can't be seen yet.

    One that waits for a disk, or for a child that we have stopped, may not stop; but neither does it fork.
    """
    deadline = time.monotonic() + _SETTLE_SECONDS
    for held in stopped:
        while not procfs.is_still(held.running.process.pid) and time.monotonic() < deadline:
            time.sleep(MOMENT)
