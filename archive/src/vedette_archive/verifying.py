"""Verifies an audit's chain: what of it was changed, taken out, put in or moved."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from .chain import CUT, AuditQuery, Head, any_text, digest, rows
from .schema.audited import TRIGGERS

_MOST_FAULTS = 100
_TEXTS = 8
"""Columns of a row behind `number` and `at`; all of them are text."""


class Fault(NamedTuple):
    """Something wrong: at which row, and what, in words."""

    number: int
    words: str


class Verified(NamedTuple):
    """What a check found: the rows that are there, the head, what is wrong (at most a hundred things)."""

    rows: int
    cut: int
    head: Head
    faults: tuple[Fault, ...]


class _Chain:
    """One walk along the rows."""

    def __init__(self, connection: sqlite3.Connection, cut: Head) -> None:
        self._connection, self._cut = connection, cut
        self.last, self.count = cut, 0

    def walk(self) -> Iterator[Fault]:
        """Yield what is wrong with each row, by number."""
        expected, before = self._cut.number + 1, self._cut.hash
        is_known = True  # what the row before was: one that is missing or wrong says nothing of the next
        query = (
            "SELECT number, at, who, what, host, about, words, facts, before, hash FROM audit"
            " WHERE number > ? ORDER BY number"
        )
        for row in self._connection.execute(query, (self._cut.number,)):
            number, own = row[0], row[-1]
            self.count += 1
            if number > expected:
                yield _missing(expected, number - 1)
                is_known = False
            is_whole = _is_whole(row)
            if not is_whole:
                yield Fault(number, self._why_not_whole(row))
            elif is_known and row[-2] != before:
                words = (
                    f"row {number} doesn't follow on row {number - 1}: one of them is not the one that was"
                )
                yield Fault(number, words)
            self.last = Head(number, own if isinstance(own, str) else "")
            expected, before, is_known = number + 1, self.last.hash, is_whole

    def _why_not_whole(self, row: tuple[Any, ...]) -> str:
        """Return what was done to a row: moved here from elsewhere, or changed."""
        number, before = row[0], row[-2]
        found = self._connection.execute("SELECT number FROM audit WHERE hash = ?", (before,)).fetchall()
        came_from = {1 if before == "" else 0, *(int(each) + 1 for (each,) in found)} - {0, number}
        for other in sorted(came_from):
            if _is_whole((other, *row[1:])):
                return f"row {number} was moved here: it is row {other}"
        return f"row {number} was changed"


def verify(connection: sqlite3.Connection, noted: Iterable[Head] = ()) -> Verified:
    """Return what is wrong with a chain; `noted` are heads of it that were noted elsewhere.

    It reads all rows, in one snapshot if the caller has opened a transaction. Who can write the file can
    write the whole chain anew, with hashes that agree: only a head that was noted elsewhere shows that.
    """
    with any_text(connection):
        row = connection.execute("SELECT cut, cut_hash, number, hash FROM audit_ends").fetchone()
        cut, end = (_head(*row[:2]), _head(*row[2:])) if row else (None, None)
        cut = cut or Head(0, "")
        chain = _Chain(connection, cut)
        found = _all_faults(connection, chain, cut, end, noted)
        faults = tuple(islice(found, _MOST_FAULTS))
    return Verified(chain.count, cut.number, chain.last, faults)


def _head(number: object, own: object) -> Head | None:
    """Return a head; `None` where somebody has made something else of it."""
    return Head(number, own) if isinstance(number, int) and isinstance(own, str) else None


def _all_faults(
    connection: sqlite3.Connection, chain: _Chain, cut: Head, end: Head | None, noted: Iterable[Head]
) -> Iterator[Fault]:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    missing = [name for name in (trigger.split()[2] for trigger in TRIGGERS) if name not in there]
    if missing:
        yield Fault(0, f"what keeps rows from being changed was taken away: {', '.join(missing)}")
    yield from _cut_faults(connection, cut)
    yield from chain.walk()
    if end is None:
        yield Fault(0, "where the chain ends is not noted any more")
    else:
        yield from _end_faults(chain.last, end)
    for each in noted:
        yield from _noted_faults(connection, each, cut, chain.last)


def _cut_faults(connection: sqlite3.Connection, cut: Head) -> Iterator[Fault]:
    """Yield what is wrong with where the chain begins: its newest row about a cut has to say the same."""
    said = rows(connection, AuditQuery(what=CUT), limit=1)
    told = said[0].facts if said else {"number": 0, "hash": ""}
    if (told.get("number"), told.get("hash")) != cut:
        words = f"the chain begins behind row {cut.number}, and no row says that it was cut there"
        yield Fault(cut.number, words)


def _end_faults(last: Head, end: Head) -> Iterator[Fault]:
    if last.number < end.number:
        yield _missing(last.number + 1, end.number)
    elif last.number > end.number:
        yield Fault(last.number, f"the chain ends with row {end.number}, but there is a row {last.number}")
    elif last.hash != end.hash:
        yield Fault(last.number, f"row {last.number} is not the one that was written last")


def _noted_faults(connection: sqlite3.Connection, noted: Head, cut: Head, last: Head) -> Iterator[Fault]:
    number = noted.number
    if number < cut.number:
        yield Fault(
            number, f"row {number} was noted, but it is older than rows are kept: it can't be compared"
        )
        return
    found = connection.execute("SELECT hash FROM audit WHERE number = ?", (number,)).fetchone()
    own = cut.hash if number == cut.number else found[0] if found else None
    if own is None and number > last.number:
        yield Fault(number, f"row {number} was noted and is not there: the end of the chain was taken away")
    elif own is not None and own != noted.hash:
        words = f"row {number} is not the one that was noted: it, or one before it, was written anew"
        yield Fault(number, words)


def _is_whole(row: tuple[Any, ...]) -> bool:
    """Tell whether a row has the hash of what it says."""
    number, at, *texts = row
    if not (isinstance(number, int) and isinstance(at, int)):
        return False
    return len([text for text in texts if isinstance(text, str)]) == _TEXTS and digest(row[:-1]) == row[-1]


def _missing(first: int, last: int) -> Fault:
    words = f"row {first} is missing" if first == last else f"rows {first} to {last} are missing"
    return Fault(first, words)
