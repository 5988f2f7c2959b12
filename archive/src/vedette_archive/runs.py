"""Storing observations: only what is not settled yet, and many reports with one statement.

Each step of a statement lets other threads have the interpreter, and from a busy one it comes back 5 ms
later. So lists go to SQLite as JSON, which it takes apart by itself: a transaction is some ten steps,
however many reports there are in it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vedette_schemas import Ranges, Stream, Unreadable

from . import fates
from .rows import MAX_UNREADABLE, Fate, Run
from .streams import StreamRow, open_streams
from .times import to_number

_MOST_AT_ONCE = 4 * 2**20
"""Characters of items in one statement; SQLite copies them twice."""

# An object of all runs: each name is what is known of a run, as JSON, each value the array of its items.
_INSERT_OBSERVATIONS = (
    "INSERT INTO observations (stream_id, number, kind, received_at, body) "
    "WITH runs AS MATERIALIZED (SELECT s.id, s.kind, json_extract(key, '$[1]') AS first, "
    "json_extract(key, '$[2]') AS received_at, json_extract(key, '$[3]') AS lowest, "
    "json_extract(key, '$[4]') AS highest, value AS items "
    "FROM json_each(?) CROSS JOIN streams s ON s.id = json_extract(key, '$[0]')) "
    "SELECT r.id, r.first + i.key, r.kind, r.received_at, i.value FROM runs r, json_each(r.items) i "
    "WHERE i.type = 'object' AND i.key BETWEEN r.lowest AND r.highest ON CONFLICT DO NOTHING"
)
_INSERT_ARRIVALS = (
    "INSERT INTO arrivals (stream_id, kind, received_at, first, last) SELECT s.id, s.kind, "
    "json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]') "
    "FROM json_each(?) CROSS JOIN streams s ON s.id = json_extract(value, '$[0]')"
)
_INSERT_UNREADABLE = (
    "INSERT INTO unreadable (stream_id, number, received_at, reason, length, body) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_THERE = (
    "SELECT (SELECT count(*) FROM observations WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3) "
    "+ (SELECT count(*) FROM unreadable WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3)"
)
_REOPEN = "UPDATE streams SET closed = 0, over_at = NULL WHERE id = ?"
_SURVIVED = "DELETE FROM deaths WHERE principal = ? AND spool = ? AND kind = ? AND number BETWEEN ? AND ?"


class _Part(NamedTuple):
    """What of a run is new, from one number to another."""

    run: Run
    stream_id: int
    first: int
    last: int

    @property
    def length(self) -> int:
        """How many items it is."""
        return self.last - self.first + 1


def store_runs(connection: sqlite3.Connection, runs: Sequence[Run]) -> dict[Stream, Ranges]:
    """Store what is neither below its stream's floor nor archived; return what that was."""
    if not runs:
        return {}
    rows = open_streams(connection, {run.stream for run in runs})
    settled = {stream: row.archived | Ranges.span(1, row.floor - 1) for stream, row in rows.items()}
    parts: list[_Part] = []
    for run in runs:
        before, numbers = settled[run.stream], run.numbers
        fresh = numbers if run.first > before.highest else numbers - before
        if fresh:
            settled[run.stream] = before | fresh
            parts += (_Part(run, rows[run.stream].id, *span) for span in fresh.pairs)
    new = _by_stream(parts)
    _insert(connection, parts)
    _note(connection, rows, new)
    if connection.execute("SELECT 1 FROM deaths LIMIT 1").fetchall():
        spans = [(*run.stream, run.first, run.first + run.count - 1) for run in runs]
        connection.executemany(_SURVIVED, spans)
    return new


def _by_stream(parts: Iterable[_Part]) -> dict[Stream, Ranges]:
    pairs: dict[Stream, list[tuple[int, int]]] = {}
    for run, _, first, last in parts:
        pairs.setdefault(run.stream, []).append((first, last))
    return {stream: Ranges.of(found) for stream, found in pairs.items()}


def _note(
    connection: sqlite3.Connection, rows: Mapping[Stream, StreamRow], new: Mapping[Stream, Ranges]
) -> None:
    changes = [
        fates.Change(rows[stream].id, Fate.ARCHIVED, rows[stream].archived, rows[stream].archived | numbers)
        for stream, numbers in new.items()
    ]
    fates.write(connection, changes)
    for stream, numbers in new.items():
        end = rows[stream].end
        if end is not None and numbers.highest >= end:  # a restored disk told an end that was none
            connection.execute(_REOPEN, (rows[stream].id,))
        if numbers.lowest <= rows[stream].declared:  # it was given up, and is here after all
            for fate in fates.DECLARED:
                fates.take(connection, rows[stream].id, fate, numbers)


def _insert(connection: sqlite3.Connection, parts: Sequence[_Part]) -> None:
    """Insert items; raise `ValueError` where a run does not hold what it says.

    Never may a number be said to be archived which is not: its sender would forget it.
    """
    stored = 0
    for some in _at_once(parts):
        stored += connection.execute(_INSERT_OBSERVATIONS, (_as_json(some),)).rowcount
    arrived = [_arrival(part) for part in parts if len(part.run.unreadable) < part.run.count]
    if arrived:
        connection.execute(_INSERT_ARRIVALS, (json.dumps(arrived),))
    unreadable = [
        _unreadable(part, number, item)
        for part in parts
        for number, item in part.run.unreadable.items()
        if part.first <= number <= part.last
    ]
    if unreadable:
        stored += connection.executemany(_INSERT_UNREADABLE, unreadable).rowcount
    if stored == sum(part.length for part in parts):
        return
    for part in parts:
        there = connection.execute(_THERE, part[1:]).fetchone()[0]
        if there != part.length:
            raise ValueError(f"a run of {part.length} items that holds {there}")


def _at_once(parts: Iterable[_Part]) -> Iterator[list[_Part]]:
    some: list[_Part] = []
    length = 0
    for part in parts:
        some.append(part)
        length += len(part.run.items)
        if length >= _MOST_AT_ONCE:
            yield some
            some, length = [], 0
    if some:
        yield some


def _as_json(parts: Iterable[_Part]) -> str:
    return f"{{{','.join(map(_member, parts))}}}"


def _member(part: _Part) -> str:
    run, stream_id, first, last = part
    received_at = to_number(run.received_at)
    return f'"[{stream_id},{run.first},{received_at},{first - run.first},{last - run.first}]":{run.items}'


def _arrival(part: _Part) -> list[int]:
    return [part.stream_id, to_number(part.run.received_at), part.first, part.last]


def _unreadable(part: _Part, number: int, item: Unreadable) -> tuple[object, ...]:
    received_at, body = to_number(part.run.received_at), item.raw[:MAX_UNREADABLE]
    return part.stream_id, number, received_at, item.reason[:300], len(item.raw), body
