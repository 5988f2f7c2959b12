"""Waking a parent that stopped because its child was stopped: su and runuser do as their child does."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from vedette_transport import start_time

if sys.platform != "linux":
    raise ImportError("only Linux has pidfds")

_SECONDS = 0.5
"""Until the parent has surely heard that its child was stopped, and followed suit."""


def parent_waker(parent: int) -> Callable[[], None]:
    """Return what to call when the child has ended: it wakes the parent, if that has stopped since now."""
    started = start_time(parent)
    if started is None or _is_stopped(parent):
        return lambda: None

    def wake() -> None:
        with contextlib.suppress(OSError):  # gone, or not ours to wake
            descriptor = os.pidfd_open(parent)
            try:
                if start_time(parent) == started and _is_stopped(parent):
                    signal.pidfd_send_signal(descriptor, signal.SIGCONT)
            finally:
                os.close(descriptor)

    def wake_later() -> None:
        timer = threading.Timer(_SECONDS, wake)
        timer.daemon = True
        timer.start()

    return wake_later


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].startswith(b"T")
    except OSError:
        return False
