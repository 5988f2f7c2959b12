"""The ranges of a stream's numbers, as the archive keeps them: one fate's never touch."""

import sqlite3

from vedette_schemas import Ranges

from .rows import Fate

# The ranges that touch `?3` to `?4`: the one that begins last before it, and those that begin within it.
_TOUCHING = (
    "SELECT first, last FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?4 + 1 AND first >= "
    "ifnull((SELECT max(first) FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?3), ?3)"
)
_WRITE = (
    "INSERT INTO ranges (stream_id, fate, first, last) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET last = excluded.last"
)
_REMOVE = "DELETE FROM ranges WHERE stream_id = ? AND fate = ? AND first = ?"

DECLARED = (Fate.DROPPED, Fate.MISSING, Fate.LOST)
"""The fates that a number has until it is archived after all."""


def add(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> None:
    """Let numbers have this fate."""
    before = _touching(connection, stream_id, fate, numbers)
    replace(connection, stream_id, fate, before, before | numbers)


def take(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> None:
    """Let numbers have this fate no longer."""
    before = _touching(connection, stream_id, fate, numbers)
    replace(connection, stream_id, fate, before, before - numbers)


def without(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> Ranges:
    """Return those of the numbers that do not have this fate."""
    return numbers - _touching(connection, stream_id, fate, numbers)


def replace(
    connection: sqlite3.Connection, stream_id: int, fate: Fate, before: Ranges, after: Ranges
) -> None:
    """Put ranges in the place of others; one that only grew is one statement."""
    begins = {first for first, _ in after.pairs}
    for first, _ in before.pairs:
        if first not in begins:
            connection.execute(_REMOVE, (stream_id, fate, first))
    for first, last in after.pairs:
        if (first, last) not in before.pairs:
            connection.execute(_WRITE, (stream_id, fate, first, last))


def _touching(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> Ranges:
    return Ranges.of(
        (first, last)
        for span in numbers.pairs
        for first, last in connection.execute(_TOUCHING, (stream_id, fate, *span))
    )
