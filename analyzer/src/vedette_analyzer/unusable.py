"""Messages that can't be used: counted, and said seldom enough that a flood of them is none in the log."""

import logging
from datetime import datetime

from vedette_schemas import Alert, Severity

from .troubles import trouble

log = logging.getLogger(__name__)

_MOST_STRANGE = 1_000


class Unusable:
    """What was dropped, and who speaks another version than ours."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.dropped = 0
        self._strange: set[str] = set()

    def drop(self, why: str) -> None:
        """Count a message; say so when there were 1, 2, 4, 8 and so on."""
        self.dropped += 1
        if self.dropped & (self.dropped - 1) == 0:
            log.warning("dropped a message that can't be used: %s (%d so far)", why, self.dropped)

    def other_version(self, why: str, now: datetime) -> list[Alert]:
        """Say once who speaks another version; what it holds stays in its spool until it can be read."""
        if why in self._strange or len(self._strange) >= _MOST_STRANGE:
            return []
        self._strange.add(why)
        log.warning("%s; what it reports stays with it until one of the two is updated", why)
        return [trouble("version", Severity.MEDIUM, why, now=now, name=why)]
