"""Publishes alerts in the order the archive has them, from where it last was: none is missed."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from vedette_archive import Cursor, Reader
from vedette_schemas import Alert

MOST_UNDER_WAY = 100

Publish = Callable[[Alert], Callable[[], bool] | None]
"""Publishes an alert; returns what tells whether the broker has it, `None` while there is no broker."""


class _UnderWay(NamedTuple):
    sequence: int
    has_arrived: Callable[[], bool]


class AlertFollower:
    """Where publishing stands: what the broker has, and what is on its way to it."""

    def __init__(self, reader: Reader, publish: Publish, sequence: int) -> None:
        """Go on behind the alert of this sequence."""
        self._reader, self._publish = reader, publish
        self._under_way: deque[_UnderWay] = deque()
        self.sequence = sequence
        """All up to here is with the broker."""

    def begin_again(self) -> None:
        """Take nothing for under way: the connection is a new one."""
        self._under_way.clear()

    def go_on(self) -> bool:
        """Publish what is new, as far as it may be under way at once; tell whether the broker has more."""
        before = self.sequence
        while self._under_way and self._under_way[0].has_arrived():
            self.sequence = self._under_way.popleft().sequence
        sent = self._under_way[-1].sequence if self._under_way else self.sequence
        room = MOST_UNDER_WAY - len(self._under_way)
        if room > 0:
            for followed in self._reader.alerts_after(Cursor(self._reader.name, sent), room):
                has_arrived = self._publish(followed.alert)
                if has_arrived is None:
                    break
                self._under_way.append(_UnderWay(followed.cursor.sequence, has_arrived))
        return self.sequence > before
