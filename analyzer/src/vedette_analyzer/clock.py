"""The server's clock, and when somebody sets it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_SET = timedelta(seconds=2)
"""A difference that no slewing makes between two looks."""


def _utc() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Two clocks: one of the day, which can be set, and one of seconds, which can't."""

    def __init__(
        self, day: Callable[[], datetime] = _utc, steady: Callable[[], float] = time.monotonic
    ) -> None:
        """Read both for the first time."""
        self._day, self._steady = day, steady
        self.now, self.seconds = day(), steady()

    def look(self) -> timedelta:
        """Read both; return by how much the clock of the day was set since the last look."""
        now, seconds = self._day(), self._steady()
        moved = (now - self.now) - timedelta(seconds=seconds - self.seconds)
        self.now, self.seconds = now, seconds
        return moved if abs(moved) > _SET else timedelta(0)

    def counted(self) -> datetime:
        """Return the time of day as counted since the last look.

        Somebody may have set the clock since: whoever reckons with times of before takes this one.
        """
        return self.now + timedelta(seconds=self._steady() - self.seconds)
