"""How often something may happen: a bucket of tokens."""

import time
from collections.abc import Callable


class Pace:
    """Allows `burst` at once and `per_second` in the long run."""

    def __init__(
        self, *, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin rested."""
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._tokens, self._counted_at = burst, clock()

    def spend(self, amount: float = 1) -> float:
        """Count `amount`; return for how many seconds to rest before it may be."""
        self._tokens = max(self._now() - amount, -self._burst)
        return max(0.0, -self._tokens / self._per_second)

    def rested(self) -> bool:
        """Whether there may be another now."""
        self._tokens = self._now()
        return self._tokens >= 1

    def _now(self) -> float:
        before, self._counted_at = self._counted_at, self._clock()
        return min(self._burst, self._tokens + (self._counted_at - before) * self._per_second)
