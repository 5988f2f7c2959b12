"""Time as blocks reckon with it: since the system started, so that setting the clock changes nothing."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Now(NamedTuple):
    """The calendar's time, which start of the system this is, and the seconds since (asleep ones too)."""

    time: datetime
    boot: str
    uptime: float


Clock = Callable[[], Now]


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def system_clock() -> Now:
    """Return what time it is."""
    if sys.platform != "linux":
        raise OSError("not built for this system yet")
    return Now(datetime.now(UTC), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME))
