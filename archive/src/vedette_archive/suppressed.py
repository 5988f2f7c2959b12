"""What operators suppressed, and what was hidden by that: stored once, and read."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from vedette_schemas import Alert, encode

from . import schema
from .commands import AnyRow, Ask
from .rows import stored_alert
from .suppressions import ArchivedSuppression, Hidden, Suppression, SuppressionEnded, SuppressionRecord
from .times import to_number, to_time

# One that is stored again had its times moved with the clock, or its act came again after a crash.
_BEGIN = (
    "INSERT INTO suppressions (id, author, reason, host, detector, indicator, since, until) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = excluded.since, until = excluded.until"
)
_END = "UPDATE suppressions SET ended_by = ?, ended_at = ? WHERE id = ? AND ended_at IS NULL"
_HIDE = (
    "INSERT INTO hidden (id, suppression_id, at, host, severity, detector, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_COUNT = "UPDATE suppressions SET hidden = hidden + 1, last_hidden_at = ? WHERE id = ?"


def store_suppressing(
    connection: sqlite3.Connection, records: Sequence[SuppressionRecord]
) -> tuple[UUID, ...]:
    """Store that suppressions began, moved or ended, and what they hid; return the alerts new among it."""
    found: list[UUID] = []
    for record in records:
        match record:
            case Suppression():
                times = to_number(record.since), to_number(record.until)
                scope = record.host, record.detector, record.indicator
                connection.execute(_BEGIN, (str(record.id), record.author, record.reason, *scope, *times))
            case SuppressionEnded():
                connection.execute(_END, (record.by, to_number(record.at), str(record.suppression_id)))
            case Hidden():
                if _hide(connection, str(record.suppression_id), record.alert):
                    found.append(record.alert.id)
    return tuple(found)


def _hide(connection: sqlite3.Connection, suppression: str, alert: Alert) -> bool:
    """Store an alert that is hidden; tell whether it is new: it is hidden and counted once."""
    at = to_number(alert.at)
    told = alert.host, alert.severity, alert.detector, encode(alert).decode()
    is_new = connection.execute(_HIDE, (str(alert.id), suppression, at, *told)).rowcount > 0
    if is_new:
        connection.execute(_COUNT, (at, suppression))
    return is_new


class Suppressed:
    """The suppressions of an archive, and what they hid."""

    def __init__(self, ask: Ask) -> None:
        """Ask the archive by this."""
        self._ask = ask

    def in_force(self, now: datetime) -> list[ArchivedSuppression]:
        """Return what hides alerts at that time, what began first coming first."""
        return [each for each in self.not_ended() if each.until > now]

    def not_ended(self) -> list[ArchivedSuppression]:
        """Return what nobody has put down as over yet: what was in force when an analyzer last looked."""
        table = schema.suppressions.c
        query = select(schema.suppressions).where(table.ended_at.is_(None)).order_by(table.since, table.id)
        return [_archived(row) for row in self._ask(query)]

    def newest(self, limit: int = 100) -> list[ArchivedSuppression]:
        """Return the last ones, in force or over, newest first."""
        table = schema.suppressions.c
        query = select(schema.suppressions).order_by(table.since.desc(), table.id).limit(limit)
        return [_archived(row) for row in self._ask(query)]

    def get(self, suppression_id: UUID) -> ArchivedSuppression | None:
        """Return one; `None` where it is not known."""
        query = select(schema.suppressions).where(schema.suppressions.c.id == str(suppression_id))
        return next((_archived(row) for row in self._ask(query)), None)

    def ids(self, beginning: str, limit: int = 5) -> list[UUID]:
        """Return ids of suppressions that begin so."""
        known = schema.suppressions.c.id
        query = select(known).where(known.startswith(beginning, autoescape=True)).order_by(known)
        return [UUID(name) for (name,) in self._ask(query.limit(limit))]

    def hidden(self, suppression_id: UUID | None = None, limit: int = 100) -> list[Hidden]:
        """Return the last alerts that one suppression hid, or all of them, newest first, as long as kept."""
        table = schema.hidden.c
        query = select(table.suppression_id, table.body).order_by(table.sequence.desc()).limit(limit)
        if suppression_id is not None:
            query = query.where(table.suppression_id == str(suppression_id))
        rows: Sequence[AnyRow] = self._ask(query)
        return [Hidden(UUID(name), stored_alert(body)) for name, body in rows]


def _archived(row: AnyRow) -> ArchivedSuppression:
    return ArchivedSuppression(
        id=UUID(row.id),
        author=row.author,
        reason=row.reason,
        since=to_time(row.since),
        until=to_time(row.until),
        host=row.host,
        detector=row.detector,
        indicator=row.indicator,
        ended_at=None if row.ended_at is None else to_time(row.ended_at),
        ended_by=row.ended_by,
        hidden=row.hidden,
        last_hidden_at=None if row.last_hidden_at is None else to_time(row.last_hidden_at),
    )
