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
from .reader import ArchivedObservation

MOST_LIMIT = 1_000
MOST_LOOKED_AT = 5_000
"""Rows of which a page looks at the texts; then it says how far it came, with what it has found by then."""

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


class Found(NamedTuple):
    """What of the candidates is on a page, how far it came, and whether there may be more."""

    candidates: list[Candidate]
    last: Candidate | None
    is_all: bool

    @property
    def next(self) -> str | None:
        """What the page says as `next`."""
        return None if self.is_all or self.last is None else str(self.last.place)


def page(chunks: Iterable[Sequence[Candidate]], query: Query, names: tuple[str, ...], limit: int) -> Found:
    """Take from the chunks what holds the text until the page is full or enough was looked at."""
    needle = folded(query.text)
    found: list[Candidate] = []
    last, looked = None, 0
    for chunk in chunks:
        for each in chunk:
            if not needle or holds(each.body, names, needle):
                if len(found) == limit:
                    return Found(found, last, is_all=False)
                found.append(each)
            last = each
        looked += len(chunk)
        if looked >= MOST_LOOKED_AT:
            return Found(found, last, is_all=False)
    return Found(found, last, is_all=True)


def one_of(column: ColumnElement[str], values: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the condition that a column has one of the values; none where any will do."""
    if not values:
        return []
    return [column == values[0] if len(values) == 1 else column.in_(values)]


def phrase(text: str) -> str:
    """Return what FTS5 takes for this very text."""
    return '"' + text.replace('"', '""') + '"'
