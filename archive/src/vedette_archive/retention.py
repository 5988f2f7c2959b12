"""What is removed when it is old enough, a few rows at a time."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from vedette_schemas import Kind

from . import chain
from .times import to_number

# ruff: noqa: S608 - the queries are put together from words of this file alone

STEP = 250
"""Rows removed in one transaction: some milliseconds, after which who waits to write may do so."""

KEPT_EPOCHS = 10_000
"""Openings that are remembered, and as many that were lost with a former life of the archive."""

_DEATH_DAYS = 30
_OVER_DAYS = 30
_SILENT_DAYS = 400

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(BaseModel):
    """Days that things are kept, from when the server had them.

    Findings, commands, acts, suppressions and incidents go with alerts.
    """

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
    audit: Days = 365


class _Rule(NamedTuple):
    """What of a table is too old: `where` takes the names below and is answered by an index, or few rows."""

    table: str
    key: str
    where: str
    before: int = 0
    kind: str = ""


_MOST = 2**63 - 1
# A number larger than that can't be held: who claims so much does not spoil what others count.
_COUNT_ON = (
    "INSERT INTO forgotten (fate, numbers) VALUES (?1, ?2) ON CONFLICT DO UPDATE "
    "SET numbers = CASE WHEN numbers > ?3 - ?2 THEN ?3 ELSE numbers + ?2 END"
)
# An arrival is empty once all that is left of its kind was received later; its words go with it.
_EMPTIED = (
    "DELETE FROM arrivals WHERE kind = ?1 AND received_at < min(?2, "
    "ifnull((SELECT min(received_at) FROM observations WHERE kind = ?1), ?2))"
)


def remove_expired(connection: sqlite3.Connection, retention: Retention, now: datetime, step: int) -> int:
    """Remove about `step` rows at most within the open transaction; return how many it were."""
    left = step
    for rule in _rules(retention, now):
        if left > 0:
            left -= _remove(connection, rule, left)
    if left > 0:
        left -= chain.cut(connection, now - timedelta(days=retention.audit), now, left)
    return step - left


def anything_expired(connection: sqlite3.Connection, retention: Retention, now: datetime) -> bool:
    """Tell whether there is something to remove, without locking anybody out."""
    if chain.due(connection, now - timedelta(days=retention.audit)):
        return True
    return any(_old(connection, rule, 1) for rule in _rules(retention, now))


def _rules(retention: Retention, now: datetime) -> Iterator[_Rule]:
    def before(days: int) -> int:
        return to_number(now - timedelta(days=days))

    for kind in Kind:
        days: int = getattr(retention, kind)
        where = "kind = :kind AND received_at < :before ORDER BY received_at"
        yield _Rule("observations", "stream_id, number", where, before(days), kind)
        # Most streams that have been over for as long hold nothing any more.
        yield _Rule("streams", "id", _IS_FORGOTTEN, before(max(days, _OVER_DAYS)), kind)
    old = before(retention.alerts)
    # Unreadable items may hold what was copied: as short as the clipboard's.
    yield _Rule("unreadable", "stream_id, number", "received_at < :before", before(retention.unreadable))
    yield _Rule("findings", "stream_id, number, key", "judged_at < :before", old)
    yield _Rule("alerts", "sequence", "at < :before", old)
    yield _Rule("commands", "id", "issued_at < :before AND ending IS NOT NULL", old)
    yield _Rule("acts", "id", "at < :before", old)
    yield _Rule("incident_alerts", "alert_id", "at < :before", old)
    for table, key in (("lines", "key"), ("steps", "step"), ("hosts", "host")):
        yield _Rule(f"incident_{table}", f"incident, {key}", _OF_AN_OLD_INCIDENT, old)
    yield _Rule("incidents", "number", f"last_at < :before AND {_HOLDS_NOTHING}", old)
    yield _Rule("hidden", "sequence", "at < :before", old)
    yield _Rule("suppressions", "id", f"until < :before AND {_HIDES_NOTHING}", old)
    yield _Rule("deaths", "principal, spool, kind, number", "at < :before", before(_DEATH_DAYS))
    yield _Rule("arrival_hours", "hour", "last < (SELECT min(id) FROM arrivals)")
    for table in ("epochs", "lost_epochs"):
        where = f"number <= (SELECT number FROM {table} ORDER BY number DESC LIMIT 1 OFFSET {KEPT_EPOCHS})"
        yield _Rule(table, "number", where)
    where = "life = 'stopped' AND heard_at < :before"
    yield _Rule("senders", "principal", where, before(_SILENT_DAYS))


_OF_AN_OLD_INCIDENT = "incident IN (SELECT number FROM incidents WHERE last_at < :before)"
_HOLDS_NOTHING = " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM incident_{table} t WHERE t.incident = incidents.number)"
    for table in ("alerts", "lines", "steps", "hosts")
)
_HIDES_NOTHING = "NOT EXISTS (SELECT 1 FROM hidden h WHERE h.suppression_id = suppressions.id)"

# A stream is removed once nothing rests on it and its sender, heard since or not known any more, no longer
# speaks of it. Who took it up again would be told that all of it is missing.
_IS_FORGOTTEN = (
    "kind = :kind AND over_at < :before "
    "AND NOT EXISTS (SELECT 1 FROM senders s WHERE s.principal = streams.principal"
    f" AND s.heard_at < streams.over_at + {_OVER_DAYS * 86_400 * 10**6}) "
    + " ".join(
        f"AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t.stream_id = streams.id)"
        for table in ("observations", "arrivals", "unreadable", "findings", "commands")
    )
)


def _old(connection: sqlite3.Connection, rule: _Rule, limit: int) -> list[tuple[int | str, ...]]:
    query = f"SELECT {rule.key} FROM {rule.table} WHERE {rule.where} LIMIT :limit"
    names = {"kind": rule.kind, "before": rule.before, "limit": limit}
    return connection.execute(query, names).fetchall()


def _remove(connection: sqlite3.Connection, rule: _Rule, limit: int) -> int:
    keys = _old(connection, rule, limit)
    if rule.table == "streams":
        return _forget(connection, [int(key) for (key,) in keys], limit)
    where = " AND ".join(f"{column} = ?" for column in rule.key.split(", "))
    connection.executemany(f"DELETE FROM {rule.table} WHERE {where}", keys)
    if rule.table == "observations":
        connection.execute(_EMPTIED, (rule.kind, rule.before))
    if rule.table in ("observations", "unreadable"):
        removed = Counter(stream_id for stream_id, _ in keys)
        connection.executemany(
            "UPDATE streams SET expired = expired + ? WHERE id = ?",
            [(count, stream_id) for stream_id, count in removed.items()],
        )
    return len(keys)


def _forget(connection: sqlite3.Connection, stream_ids: list[int], limit: int) -> int:
    """Remove streams with their ranges until it is `limit` rows; what was in them goes on counting."""
    removed = 0
    for stream_id in stream_ids:
        if removed >= limit:
            break
        query = "DELETE FROM ranges WHERE stream_id = ? RETURNING fate, last - first + 1"
        ranges = connection.execute(query, (stream_id,)).fetchall()
        for fate, count in ranges:
            connection.execute(_COUNT_ON, (fate, int(count), _MOST))
        connection.execute("DELETE FROM streams WHERE id = ?", (stream_id,))
        removed += 1 + len(ranges)
    return removed
