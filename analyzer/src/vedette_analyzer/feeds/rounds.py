"""Has each feed updated when it is due, a few at a time."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

from vedette_schemas import Severity
from vedette_transport import backoff

from ..faults import trace
from .feed import Feed
from .trouble import FeedTrouble

log = logging.getLogger(__name__)

AT_A_TIME = 4
FIRST_RETRY_SECONDS = 60.0


class Rounds:
    """Has each feed updated when it is due, a few at a time."""

    def __init__(self, feeds: Mapping[str, Feed], tell: Callable[[FeedTrouble], None]) -> None:
        """Begin with all of them at rest; `tell` is called by any thread."""
        self._feeds, self._tell = feeds, tell
        self._pool = ThreadPoolExecutor(AT_A_TIME)
        self._busy: dict[str, Future[bool]] = {}
        self._not_before: dict[str, float] = {}
        self._delays: dict[str, Iterator[float]] = {}

    def tick(self) -> None:
        """Begin what is due."""
        now = datetime.now(UTC)
        for name, feed in self._feeds.items():
            if name in self._busy and not self._busy[name].done():
                continue
            if feed.is_accepted:
                self._busy[name] = self._pool.submit(self._do, name, feed.accept)
            elif feed.is_due(now) and time.monotonic() >= self._not_before.get(name, 0.0):
                self._busy[name] = self._pool.submit(self._update, name, feed)

    def once(self) -> None:
        """Update all, and return when that is done."""
        for future in [self._pool.submit(self._do, name, feed.update) for name, feed in self._feeds.items()]:
            future.result()

    def _update(self, name: str, feed: Feed) -> bool:
        failed = not self._do(name, feed.update) or feed.is_away
        if not failed:
            self._delays.pop(name, None)
            return True
        longest = max(FIRST_RETRY_SECONDS, feed.every.total_seconds())
        delays = self._delays.setdefault(name, backoff(first=FIRST_RETRY_SECONDS, longest=longest))
        self._not_before[name] = time.monotonic() + next(delays)
        return False

    def _do(self, name: str, step: Callable[[datetime], Iterator[FeedTrouble]]) -> bool:
        """Take a step of a feed, whatever it may hold; return whether that was possible."""
        try:
            for trouble in step(datetime.now(UTC)):
                self._tell(trouble)
        except Exception as error:  # noqa: BLE001 (one feed must not end the others)
            log.error("%s: %s", name, trace(error))  # noqa: TRY400 (its words may repeat the feed)
            why = (
                error.strerror if isinstance(error, OSError) else f"a fault of ours ({type(error).__name__})"
            )
            self._tell(
                FeedTrouble(
                    feed=name,
                    key=f"{name}|fault|{type(error).__name__}|{datetime.now(UTC):%Y-%m-%d}",
                    severity=Severity.MEDIUM,
                    summary=f"feed {name}: can't be kept: {why}",
                )
            )
            return False
        return True
