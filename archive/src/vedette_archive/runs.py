"""Storing observations: a report's items go in with one statement, and only what is not settled yet."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from vedette_schemas import NOTHING, Ranges, Stream, Unreadable

from . import fates
from .ledger import READ_STREAM
from .rows import MAX_UNREADABLE, Fate, Run
from .times import to_number

# SQLite splits the array: a row costs no step of Python's, and the interpreter is let go once a report.
_INSERT_OBSERVATIONS = (
    "INSERT INTO observations (stream_id, number, kind, received_at, body) "
    "SELECT ?, ? + key, ?, ?, value FROM json_each(?) WHERE type = 'object' AND key BETWEEN ? AND ? "
    "ON CONFLICT DO NOTHING"
)
_INSERT_UNREADABLE = (
    "INSERT INTO unreadable (stream_id, number, received_at, reason, length, body) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_STREAM = "INSERT INTO streams (principal, host, spool, kind) VALUES (?, ?, ?, ?)"
_THERE = (
    "SELECT (SELECT count(*) FROM observations WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3) "
    "+ (SELECT count(*) FROM unreadable WHERE stream_id = ?1 AND number BETWEEN ?2 AND ?3)"
)
_SURVIVED = "DELETE FROM deaths WHERE principal = ? AND spool = ? AND kind = ? AND number BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class StreamRow:
    """What storing needs of a stream; `archived` are the ranges that touch its floor or lie above it."""

    id: int
    declared: int
    floor: int
    archived: Ranges

    @classmethod
    def of(cls, connection: sqlite3.Connection, stream: Stream) -> Self:
        """Read a stream's row; make it where there is none."""
        rows = connection.execute(READ_STREAM, stream).fetchall()
        if not rows:
            host = stream.principal.rpartition("@")[2]
            connection.execute(_INSERT_STREAM, (stream.principal, host, stream.spool, stream.kind))
            rows = connection.execute(READ_STREAM, stream).fetchall()
        archived = Ranges(tuple(sorted((row[-2], row[-1]) for row in rows if row[-1] is not None)))
        stream_id, declared, floor = rows[0][:3]
        return cls(stream_id, declared, floor, archived)


def store_runs(connection: sqlite3.Connection, runs: Iterable[Run]) -> dict[Stream, Ranges]:
    """Store what is neither below its stream's floor nor archived; return what that was."""
    by_stream: dict[Stream, list[Run]] = {}
    for run in runs:
        by_stream.setdefault(run.stream, []).append(run)
    somebody_died = bool(by_stream) and connection.execute("SELECT 1 FROM deaths LIMIT 1").fetchone()
    new: dict[Stream, Ranges] = {}
    for stream, its_runs in by_stream.items():
        fresh = _store_stream(connection, StreamRow.of(connection, stream), its_runs)
        if fresh:
            new[stream] = fresh
        if somebody_died:
            spans = [(*stream, run.first, run.first + run.count - 1) for run in its_runs]
            connection.executemany(_SURVIVED, spans)
    return new


def _store_stream(connection: sqlite3.Connection, row: StreamRow, runs: Iterable[Run]) -> Ranges:
    settled = row.archived | Ranges.span(1, row.floor - 1)
    new = NOTHING
    for run in runs:
        fresh = run.numbers - settled - new
        for first, last in fresh.pairs:
            _insert(connection, row.id, run, first, last)
        new |= fresh
    if new:
        fates.replace(connection, row.id, Fate.ARCHIVED, row.archived, row.archived | new)
    if new and new.lowest <= row.declared:  # it was given up, and is here after all
        for fate in fates.DECLARED:
            fates.take(connection, row.id, fate, new)
    return new


def _insert(connection: sqlite3.Connection, stream_id: int, run: Run, first: int, last: int) -> None:
    """Insert the items of a run from one number to another; raise `ValueError` where one is not there."""
    received_at = to_number(run.received_at)
    names = (
        stream_id,
        run.first,
        run.stream.kind,
        received_at,
        run.items,
        first - run.first,
        last - run.first,
    )
    stored = connection.execute(_INSERT_OBSERVATIONS, names).rowcount
    unreadable = [
        _unreadable(stream_id, number, received_at, item)
        for number, item in run.unreadable.items()
        if first <= number <= last
    ]
    if unreadable:
        stored += connection.executemany(_INSERT_UNREADABLE, unreadable).rowcount
    # Never say of a number that it is archived which is not: its sender would forget it.
    if stored != last - first + 1:
        there = connection.execute(_THERE, (stream_id, first, last)).fetchone()[0]
        if there != last - first + 1:
            raise ValueError(f"a run of {last - first + 1} items that holds {there}")


def _unreadable(stream_id: int, number: int, received_at: int, item: Unreadable) -> tuple[object, ...]:
    body = item.raw[:MAX_UNREADABLE]
    return stream_id, number, received_at, item.reason[:300], len(item.raw), body
