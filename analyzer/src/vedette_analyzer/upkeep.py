"""What the archive needs between two pieces of work, a bit at a time: words indexed, what is old removed."""

import logging
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime

from vedette_archive import ArchiveError, Retention, Writer

log = logging.getLogger(__name__)

TIDY_SECONDS = 60.0
_TIDY_PAUSE = 0.05

MERGE_SECONDS = 86_400.0
"""Words that were removed are gone from the file a day later: all of the index is written anew for that."""

_MERGED_PAGES = 16

SLICE_SECONDS = 0.005
"""About how long words are indexed at once: who comes meanwhile waits for as long."""

IDLE_SHARE, BUSY_SHARE = 1 / 4, 1 / 20
"""Of the thread's time, how much goes into indexing: less while work is waiting."""

_FEWEST_ARRIVALS, _MOST_ARRIVALS = 8, 512


class Upkeep:
    """Does what is due, in the thread that writes to the archive."""

    def __init__(self, writer: Writer, retention: Retention) -> None:
        """Begin with the words of what the last life left unindexed."""
        self._writer, self._retention = writer, retention
        self._next_tidy = time.monotonic() + TIDY_SECONDS
        self._next_words = time.monotonic()
        self._arrivals = _FEWEST_ARRIVALS
        self._next_merge = math.inf
        self._may_merge = time.monotonic()
        self._has_removed = self._is_merging = False

    @property
    def seconds_left(self) -> float:
        """How long nothing is due."""
        return max(0.0, min(self._next_tidy, self._next_words, self._next_merge) - time.monotonic())

    def more_came(self) -> None:
        """Take note that there are words to index."""
        if self._next_words == math.inf:
            self._next_words = time.monotonic()

    def do_what_is_due(self, *, is_busy: bool) -> None:
        """Do a bit of it."""
        share = BUSY_SHARE if is_busy else IDLE_SHARE
        if time.monotonic() >= self._next_words:
            self._attempt(lambda: self._index(share))
        elif time.monotonic() >= self._next_merge:
            self._attempt(lambda: self._merge(share))
        if time.monotonic() >= self._next_tidy:
            self._attempt(self._tidy)

    def _index(self, share: float) -> None:
        self._next_words = math.inf
        began = time.monotonic()
        indexed = self._writer.index_words(self._arrivals)
        now = time.monotonic()
        if not indexed:
            return
        self._next_words = now + (now - began) * (1 / share - 1)
        if now - began > SLICE_SECONDS:
            self._arrivals = max(_FEWEST_ARRIVALS, self._arrivals // 2)
        elif now - began < SLICE_SECONDS / 2:
            self._arrivals = min(_MOST_ARRIVALS, 2 * self._arrivals)

    def _tidy(self) -> None:
        """Remove a few rows that are old enough; more in a moment if there are."""
        self._next_tidy = time.monotonic() + TIDY_SECONDS
        if self._writer.remove_expired(self._retention, datetime.now(UTC)):
            self._next_tidy = time.monotonic() + _TIDY_PAUSE
            self._has_removed = True
        elif self._has_removed and time.monotonic() >= self._may_merge:
            self._may_merge = time.monotonic() + MERGE_SECONDS
            self._next_merge = time.monotonic()
            self._has_removed = self._is_merging = False

    def _merge(self, share: float) -> None:
        """Get words that were removed out of the file."""
        self._next_merge = math.inf
        began = time.monotonic()
        more = self._writer.merge_words(_MERGED_PAGES, anew=not self._is_merging)
        self._is_merging = more
        if more:
            now = time.monotonic()
            self._next_merge = now + (now - began) * (1 / share - 1)

    def _attempt(self, what: Callable[[], None]) -> None:
        try:
            what()
        except ArchiveError as error:
            log.warning("the archive could not be tidied: %s", error)
            later = time.monotonic() + TIDY_SECONDS
            self._next_words = self._next_tidy = later
            self._next_merge = later if self._is_merging else self._next_merge
