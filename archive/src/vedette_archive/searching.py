"""Finds events in the archive: newest first, a page at a time, each page with bounded work."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect
from vedette_schemas import Alert

from .commands import AnyRow, Question
from .errors import QueryError
from .query import Query, folded, holds
from .rows import ArchivedObservation
from .times import to_time

MOST_LIMIT = 1_000
MOST_LOOKED_AT, MOST_READ = 20_000, 5_000
"""Rows that a page has the database look at, and that it reads itself; then it says how far it came."""

Asking = Callable[[Question | CompoundSelect[*tuple[Any, ...]]], Sequence[AnyRow]]

_PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,18}|[0-9a-f-]{36})")


class Place(NamedTuple):
    """Where in the order of a search something lies; the next page goes on behind it."""

    major: int
    minor: int | str

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read what `Page.next` said; raise `QueryError`."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise QueryError("after: not a place that a page of this search named")
        return cls(int(found[1]), int(found[2]) if found[2].isdecimal() else found[2])


class Candidate(NamedTuple):
    """A row that fits but for its texts."""

    place: Place
    at: int
    body: str
    row: AnyRow


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, newest first: alerts or observations, as asked for.

    `next` is where the next page begins; without it there is nothing older. A page may hold less than the
    limit, or nothing, and have a next one: it has looked at many rows and comes as far as `reached`.
    """

    alerts: tuple[Alert, ...] = ()
    observations: tuple[ArchivedObservation, ...] = ()
    next: str | None = None
    reached: datetime | None = None


class Chunk(NamedTuple):
    """Rows that were looked at together, how many, where that ended; those that can't fit are left out."""

    candidates: Sequence[Candidate]
    looked_at: int
    end: Place
    at: int


class Found(NamedTuple):
    """What of the candidates is on a page, where the next page begins if there is one, how far this came."""

    candidates: list[Candidate]
    next: str | None = None
    reached: datetime | None = None


def page(chunks: Iterable[Chunk], query: Query, names: tuple[str, ...], limit: int) -> Found:
    """Take from the chunks what holds the text until the page is full or enough was looked at."""
    needle = folded(query.text)
    found: list[Candidate] = []
    reached, looked_at, read = None, 0, 0
    for chunk in chunks:
        for each in chunk.candidates:
            if not needle or holds(each.body, names, needle):
                if len(found) == limit:
                    return Found(found, str(found[-1].place), to_time(found[-1].at))
                found.append(each)
        reached = to_time(chunk.at)
        looked_at, read = looked_at + chunk.looked_at, read + len(chunk.candidates)
        if looked_at >= MOST_LOOKED_AT or read >= MOST_READ:
            return Found(found, str(chunk.end), reached)
    return Found(found, None, reached)


def one_of(column: ColumnElement[str], values: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the condition that a column has one of the values; none where any will do."""
    if not values:
        return []
    return [column == values[0] if len(values) == 1 else column.in_(values)]


def phrase(text: str) -> str:
    """Return what FTS5 takes for this very text."""
    return '"' + text.replace('"', '""') + '"'
