"""What is removed when it is old enough, a few rows at a time."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from vedette_schemas import Kind

from .times import to_number

STEP = 250
"""Rows removed in one transaction: some milliseconds, after which who waits to write may do so."""

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(BaseModel):
    """Days that things are kept, from when the server had them. Findings go with the alerts they led to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clipboard: Days = 7
    window: Days = 30
    process: Days = 30
    program: Days = 30
    connection: Days = 30
    outcome: Days = 365
    stopped: Days = 365
    unreadable: Days = 7
    alerts: Days = 365


class _Rule(NamedTuple):
    """What of a table is too old: `where` takes the names below and is answered by an index."""

    table: str
    key: str
    where: str
    before: int
    kind: str = ""


def remove_expired(connection: sqlite3.Connection, retention: Retention, now: datetime, step: int) -> int:
    """Remove at most `step` rows within the open transaction; return how many it were."""
    left = step
    for rule in _rules(retention, now):
        if left > 0:
            left -= _remove(connection, rule, left)
    return step - left


def anything_expired(connection: sqlite3.Connection, retention: Retention, now: datetime) -> bool:
    """Tell whether there is something to remove, without locking anybody out."""
    return any(_old(connection, rule, 1) for rule in _rules(retention, now))


def _rules(retention: Retention, now: datetime) -> Iterator[_Rule]:
    def before(days: int) -> int:
        return to_number(now - timedelta(days=days))

    for kind in Kind:
        days: int = getattr(retention, kind)
        where = "kind = :kind AND received_at < :before ORDER BY received_at"
        yield _Rule("observations", "stream_id, number", where, before(days), kind)
    old = before(retention.alerts)
    # Unreadable items may hold what was copied: as short as the clipboard's.
    yield _Rule("unreadable", "stream_id, number", "received_at < :before", before(retention.unreadable))
    yield _Rule("findings", "stream_id, number, key", "judged_at < :before", old)
    yield _Rule("alerts", "sequence", "at < :before", old)
    yield _Rule("commands", "id", "issued_at < :before AND ending IS NOT NULL", old)


def _old(connection: sqlite3.Connection, rule: _Rule, limit: int) -> list[tuple[int | str, ...]]:
    query = f"SELECT {rule.key} FROM {rule.table} WHERE {rule.where} LIMIT :limit"  # noqa: S608 - our own words
    names = {"kind": rule.kind, "before": rule.before, "limit": limit}
    return connection.execute(query, names).fetchall()


def _remove(connection: sqlite3.Connection, rule: _Rule, limit: int) -> int:
    keys = _old(connection, rule, limit)
    where = " AND ".join(f"{column} = ?" for column in rule.key.split(", "))
    connection.executemany(f"DELETE FROM {rule.table} WHERE {where}", keys)  # noqa: S608 - our own words
    if rule.table in ("observations", "unreadable"):
        removed = Counter(stream_id for stream_id, _ in keys)
        connection.executemany(
            "UPDATE streams SET expired = expired + ? WHERE id = ?",
            [(count, stream_id) for stream_id, count in removed.items()],
        )
    return len(keys)
