"""The ranges of a stream's numbers, as the archive keeps them: one fate's never touch."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from vedette_schemas import Ranges

from .rows import Fate

# The ranges that touch `?3` to `?4`: the one that begins last before it, and those that begin within it.
_TOUCHING = (
    "SELECT first, last FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?4 + 1 AND first >= "
    "ifnull((SELECT max(first) FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?3), ?3)"
)
_WRITE = (
    "INSERT INTO ranges (stream_id, fate, first, last) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]') "
    "FROM json_each(?) WHERE true ON CONFLICT DO UPDATE SET last = excluded.last"
)
_REMOVE = "DELETE FROM ranges WHERE stream_id = ? AND fate = ? AND first = ?"

DECLARED = (Fate.DROPPED, Fate.MISSING, Fate.LOST)
"""The fates that a number has until it is archived after all."""


class Change(NamedTuple):
    """Ranges of one fate in the place of others, which are all that touch them."""

    stream_id: int
    fate: Fate
    before: Ranges
    after: Ranges


def add(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> None:
    """Let numbers have this fate."""
    before = _touching(connection, stream_id, fate, numbers)
    write(connection, [Change(stream_id, fate, before, before | numbers)])


def take(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> None:
    """Let numbers have this fate no longer."""
    before = _touching(connection, stream_id, fate, numbers)
    write(connection, [Change(stream_id, fate, before, before - numbers)])


def without(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> Ranges:
    """Return those of the numbers that do not have this fate."""
    return numbers - _touching(connection, stream_id, fate, numbers)


def write(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Write what changed: where ranges only grew, it is one statement for all of them."""
    gone: list[tuple[int, Fate, int]] = []
    grown: list[tuple[int, Fate, int, int]] = []
    for stream_id, fate, before, after in changes:
        begins = {first for first, _ in after.pairs}
        gone += ((stream_id, fate, first) for first, _ in before.pairs if first not in begins)
        grown += ((stream_id, fate, *span) for span in after.pairs if span not in before.pairs)
    if gone:
        connection.executemany(_REMOVE, gone)
    if grown:
        connection.execute(_WRITE, (json.dumps(grown),))


def _touching(connection: sqlite3.Connection, stream_id: int, fate: Fate, numbers: Ranges) -> Ranges:
    return Ranges.of(
        (first, last)
        for span in numbers.pairs
        for first, last in connection.execute(_TOUCHING, (stream_id, fate, *span))
    )
