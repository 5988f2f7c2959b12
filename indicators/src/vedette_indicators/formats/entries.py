"""What a feed's content comes to: entries, and what could not be one."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from vedette_schemas import VedetteError

from ..indicator import IndicatorType

MAX_LINE = 16_384
"""Characters of a line; a longer one is refused, and only its beginning is ever in memory."""

MAX_NOTE = 200
_EXCERPT = 60

Place = int | str
"""Where in a feed something stands: the number of a line, or an id."""


class FormatError(VedetteError):
    """The content as a whole is not of the format that it should be of; the text says why."""


class Entry(NamedTuple):
    """Something to look for: `value` is canonical, `note` what the feed says of it, one line."""

    type: IndicatorType
    value: str
    place: Place
    note: str = ""
    expires: date | None = None


class Refused(NamedTuple):
    """Something in a feed that can't be looked for, and why in a sentence."""

    place: Place
    reason: str
    excerpt: str

    def __str__(self) -> str:
        where = f"line {self.place}" if isinstance(self.place, int) else self.place
        return f"{where}: {self.reason}: {self.excerpt}"


Items = Iterator[Entry | Refused]
Lines = Iterator[tuple[int, str]]
LineReader = Callable[[Lines], Items]


def refused(place: Place, reason: object, text: str) -> Refused:
    """Say what is refused, of which the beginning is shown."""
    shown = repr(text[:_EXCERPT])[: 2 * _EXCERPT]
    return Refused(place, str(reason), shown if len(text) <= _EXCERPT else f"{shown}…")


@lru_cache(maxsize=4096)  # a feed names few families, each of them often
def noted(*parts: str) -> str:
    """Return what a feed says of an entry as one short line of printable characters."""
    text = " ".join(" ".join(parts)[: 4 * MAX_NOTE].split())
    return "".join(each if each.isprintable() else "?" for each in text)[:MAX_NOTE]
