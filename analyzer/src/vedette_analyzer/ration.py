"""How often one sender may be the subject of an alert: garbage must not become a flood of them."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

_MOST_NAMES = 10_000


@dataclass(slots=True)
class _Told:
    since: datetime
    count: int = 0
    held_back: int = 0


class Ration:
    """So many for each name within a window; those held back are counted in the next."""

    def __init__(self, most: int, window: timedelta) -> None:
        """Let `most` through in each `window`; the name that was used least recently is forgotten."""
        self._most, self._window = most, window
        self._told: OrderedDict[str, _Told] = OrderedDict()

    def take(self, name: str, now: datetime) -> int | None:
        """Return how many were held back before this one; `None` to hold back this one too."""
        told = self._told.setdefault(name, _Told(now))
        self._told.move_to_end(name)
        if len(self._told) > _MOST_NAMES:
            self._told.popitem(last=False)
        if not told.since <= now < told.since + self._window:
            told.since, told.count = now, 0
        if told.count >= self._most:
            told.held_back += 1
            return None
        told.count += 1
        held_back, told.held_back = told.held_back, 0
        return held_back


def with_held_back(words: str, held_back: int) -> str:
    """Add how many alerts like this one were held back."""
    return f"{words} ({held_back} more like this were held back)" if held_back else words
