"""A source keeps watching: what it tells of itself, and what happens when it fails or hangs."""

import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator

from vedette_transport import backoff

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that the display or the system may take to answer before we say that it does not."""

_GOOD_RUN = 60.0


class SourceError(Exception):
    """A source can't watch now; the text says why, for the operator."""


class Watch:
    """Tells how one source is: `on: how` or `off: why`, each change once."""

    def __init__(self, source: str, tell: Callable[[str, str], None], limit: str | None = None) -> None:
        """`tell` takes the source's name and the words; `limit` is what it does not see when it is on."""
        self.source, self._tell = source, tell
        self._limit = f", {limit}" if limit else ""
        self._words = self._told = ""
        self._asked_at: float | None = None
        self._lock = threading.Lock()

    def on(self, how: str) -> None:
        """Tell that it watches, and how."""
        self._say(f"on: {how}{self._limit}")

    def off(self, why: str) -> None:
        """Tell that it does not watch, and why."""
        self._say(f"off: {why}")

    @contextlib.contextmanager
    def asking(self) -> Generator[None]:
        """Mark that the source waits for an answer which should come soon."""
        self._asked_at = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._asked_at = None
                self._pass_on(self._words)

    def check(self) -> None:
        """Tell if the source has been waiting for an answer too long; it goes on when that comes."""
        with self._lock:
            if self._asked_at is not None and time.monotonic() - self._asked_at > PATIENCE:
                self._pass_on("off: no answer from the display")

    def _say(self, words: str) -> None:
        with self._lock:
            self._words = words
            self._pass_on(words)

    def _pass_on(self, words: str) -> None:
        if words in {"", self._told}:
            return
        self._told = words
        log.log(logging.INFO if words.startswith("on") else logging.WARNING, "%s is %s", self.source, words)
        self._tell(self.source, words)


class Source(ABC):
    """Watches one thing, in a thread of its own."""

    @abstractmethod
    def run(self, watch: Watch) -> None:
        """Watch for as long as that works; raise `SourceError` when it does not."""

    def close(self) -> None:
        """End what would outlive the program."""
        return


def keep_running(source: Source, watch: Watch) -> None:
    """Run a source for ever: whatever ends it, it begins again after a while."""
    delays = backoff(first=0.5)
    while True:
        began = time.monotonic()
        try:
            source.run(watch)
        except SourceError as error:
            watch.off(str(error))
        except Exception:  # a bug in one source must not blind the rest
            log.exception("%s failed", watch.source)
            watch.off("it failed; its log says how")
        if time.monotonic() - began > _GOOD_RUN:
            delays = backoff(first=0.5)
        time.sleep(next(delays))
