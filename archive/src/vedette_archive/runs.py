"""Storing observations: only what is not settled yet, and many reports with one statement.

Each step of a statement lets other threads have the interpreter, and from a busy one it comes back 5 ms
later. So lists go to SQLite as JSON, which it takes apart by itself: a transaction is some ten steps,
however many reports there are in it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vedette_schemas import NOTHING, Ranges, Stream, Unreadable

from . import fates
from .rows import MAX_UNREADABLE, Fate, Run
from .streams import StreamRow, open_streams
from .times import to_number

_MOST_AT_ONCE = 4 * 2**20
"""Characters of items in one statement; SQLite copies them twice."""

# An object of all runs: each name is what is known of a run, as JSON, each value the array of its items.
_INSERT_OBSERVATIONS = (
    "INSERT INTO observations (stream_id, number, kind, received_at, body) "
    "WITH runs AS MATERIALIZED (SELECT json_extract(key, '$[0]') AS stream_id, "
    "json_extract(key, '$[1]') AS first, json_extract(key, '$[2]') AS kind, "
    "json_extract(key, '$[3]') AS received_at, json_extract(key, '$[4]') AS lowest, "
    "json_extract(key, '$[5]') AS highest, value AS items FROM json_each(?)) "
    "SELECT r.stream_id, r.first + i.key, r.kind, r.received_at, i.value FROM runs r, json_each(r.items) i "
    "WHERE i.type = 'object' AND i.key BETWEEN r.lowest AND r.highest ON CONFLICT DO NOTHING"
)
_INSERT_UNREADABLE = (
    "INSERT INTO unreadable (stream_id, number, received_at, reason, length, body) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_THERE = (
    "SELECT (SELECT count(*) FROM observations WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3) "
    "+ (SELECT count(*) FROM unreadable WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3)"
)
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
    new: dict[Stream, Ranges] = {}
    parts: list[_Part] = []
    for run in runs:
        before = new.get(run.stream, NOTHING)
        fresh = run.numbers - settled[run.stream] - before
        if fresh:
            new[run.stream] = before | fresh
            parts += (_Part(run, rows[run.stream].id, *span) for span in fresh.pairs)
    _insert(connection, parts)
    _note(connection, rows, new)
    if connection.execute("SELECT 1 FROM deaths LIMIT 1").fetchall():
        spans = [(*run.stream, run.first, run.first + run.count - 1) for run in runs]
        connection.executemany(_SURVIVED, spans)
    return new


def _note(
    connection: sqlite3.Connection, rows: Mapping[Stream, StreamRow], new: Mapping[Stream, Ranges]
) -> None:
    changes = [
        fates.Change(rows[stream].id, Fate.ARCHIVED, rows[stream].archived, rows[stream].archived | numbers)
        for stream, numbers in new.items()
    ]
    fates.write(connection, changes)
    for stream, numbers in new.items():
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
    runs: list[str] = []
    for run, stream_id, first, last in parts:
        received_at = to_number(run.received_at)
        known = (stream_id, run.first, run.stream.kind, received_at, first - run.first, last - run.first)
        runs.append(f"{json.dumps(json.dumps(known))}:{run.items}")
    return f"{{{','.join(runs)}}}"


def _unreadable(part: _Part, number: int, item: Unreadable) -> tuple[object, ...]:
    received_at, body = to_number(part.run.received_at), item.raw[:MAX_UNREADABLE]
    return part.stream_id, number, received_at, item.reason[:300], len(item.raw), body
