"""The statements of one writing transaction: plain SQL through the bare driver, many rows a call.

SQLAlchemy would double what a row costs; the schema that these statements stand on is in schema.py.
"""

import sqlite3
from collections.abc import Iterable

from vedette_schemas import Alert, State, Stream, encode

from .ranges import Range, Ranges
from .rows import (
    MAX_UNREADABLE,
    Answer,
    Batch,
    Judged,
    Observed,
    OpenCommand,
    Place,
    Run,
    Stored,
    Told,
    Unreadable,
)
from .schema import ARCHIVED, DROPPED
from .times import to_number

_INSERT_STREAM = (
    "INSERT INTO streams (principal, host, spool, kind) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_OBSERVATION = (
    "INSERT INTO observations (stream_id, number, kind, received_at, seen_at, body) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_UNREADABLE = (
    "INSERT INTO unreadable (stream_id, number, received_at, reason, length, body) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_FINDING = (
    "INSERT INTO findings (stream_id, number, key, judged_at, detector, severity, finding, action, verdict) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_COMMAND = (
    "INSERT INTO commands (id, audience, action, issued_at, expires_at, body, token) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# An outcome says more than that nobody answered in time; nothing overrules an outcome.
_ANSWER_COMMAND = (
    "UPDATE commands SET ending = ?1, ended_at = ?2, stream_id = ?3, number = ?4 "
    "WHERE id = ?5 AND (ending IS NULL OR (ending = 'expired' AND ?1 <> 'expired'))"
)
# The row that is replaced is deleted: its successor gets a new sequence, which followers have yet to reach.
_REPLACE_ALERT = (
    "INSERT OR REPLACE INTO alerts (id, state, at, host, severity, detector, command_id, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
# What was told last holds, but a next number never goes back and an end stays an end.
_TELL_STREAM = (
    "UPDATE streams SET opening = ?, next = max(next, ?), final = max(final, ?), closed = max(closed, ?) "
    "WHERE id = ?"
)
# The ranges that touch one of ours: the one that begins last before it, and those that begin within it.
_TOUCHING = (
    "SELECT first, last FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?4 + 1 AND first >= "
    "ifnull((SELECT max(first) FROM ranges WHERE stream_id = ?1 AND fate = ?2 AND first <= ?3), ?3)"
)

_SPREAD = (
    "INSERT INTO ranges (stream_id, fate, first, last) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET last = excluded.last"
)
_SWALLOW = "DELETE FROM ranges WHERE stream_id = ? AND fate = ? AND first = ?"

_Row = tuple[object, ...]
StreamIds = dict[Stream, int]


class Transaction:
    """Stores batches within the transaction that is open on a connection."""

    def __init__(self, connection: sqlite3.Connection, ids: StreamIds) -> None:
        """`ids` are the streams that are committed; what is added to it here is so only with the commit."""
        self._connection, self._ids = connection, ids

    def store(self, batch: Batch) -> Stored:
        """Store all of it; tell what was new."""
        numbers = self._store_runs(batch.runs)
        self._connection.executemany(_INSERT_FINDING, map(self._finding, batch.findings))
        for told in batch.told:
            self._tell(told)
        return Stored(
            numbers=numbers,
            commands=tuple(command.id for command in batch.commands if self._command(command)),
            answers=tuple(answer.command_id for answer in batch.answers if self._answer(answer)),
            alerts=tuple(dict.fromkeys(alert.id for alert in batch.alerts if self._alert(alert))),
        )

    def _store_runs(self, runs: Iterable[Run]) -> dict[Stream, Ranges]:
        """Store what the ranges don't hold yet: they know what retention has removed again, too."""
        by_stream: dict[Stream, list[Run]] = {}
        for run in runs:
            by_stream.setdefault(run.stream, []).append(run)
        new: dict[Stream, Ranges] = {}
        observed: list[_Row] = []
        unreadable: list[_Row] = []
        for stream, its_runs in by_stream.items():
            stream_id = self._id(stream)
            fresh = self._add(stream_id, ARCHIVED, (run.span for run in its_runs))
            if fresh:
                new[stream] = fresh
                _rows(stream_id, its_runs, fresh, observed, unreadable)
        self._connection.executemany(_INSERT_OBSERVATION, observed)
        self._connection.executemany(_INSERT_UNREADABLE, unreadable)
        return new

    def _add(self, stream_id: int, fate: str, spans: Iterable[Range]) -> Ranges:
        """Add numbers to a stream's ranges; return those that were not there."""
        fresh: list[Range] = []
        for span in Ranges(spans):
            found = self._connection.execute(_TOUCHING, (stream_id, fate, *span))
            touching = [Range(*row) for row in found]
            if [last + 1 for _, last in touching] == [span.first]:  # it goes on where it was: nearly always
                self._connection.execute(_SPREAD, (stream_id, fate, touching[0].first, span.last))
                fresh.append(span)
            else:
                fresh += Ranges((span,)) - Ranges(touching)
                self._merge(stream_id, fate, touching, Ranges((*touching, span)))
        return Ranges(fresh)

    def _merge(self, stream_id: int, fate: str, before: list[Range], after: Ranges) -> None:
        """Put ranges in the place of others."""
        begins = {first for first, _ in after}
        gone = [(stream_id, fate, first) for first, _ in before if first not in begins]
        self._connection.executemany(_SWALLOW, gone)
        grown = [(stream_id, fate, *span) for span in after if span not in before]
        self._connection.executemany(_SPREAD, grown)

    def _id(self, stream: Stream) -> int:
        known = self._ids.get(stream)
        if known is None:
            host = stream.principal.rpartition("@")[2]
            self._connection.execute(
                _INSERT_STREAM,
                (stream.principal, host, stream.spool, stream.kind),
            )
            row = self._connection.execute(
                "SELECT id FROM streams WHERE principal = ? AND spool = ? AND kind = ?", stream
            ).fetchone()
            known = self._ids[stream] = int(row[0])
        return known

    def _place(self, place: Place | None) -> tuple[int | None, int | None]:
        return (None, None) if place is None else (self._id(place.stream), place.number)

    def _finding(self, judged: Judged) -> _Row:
        return (
            *self._place(judged.place),
            judged.key,
            to_number(judged.judged_at),
            judged.detector,
            judged.severity,
            judged.finding,
            judged.action,
            judged.verdict,
        )

    def _command(self, command: OpenCommand) -> bool:
        """Store an order; its token may come later, when its enforcer is first heard."""
        row = (
            str(command.id),
            command.audience,
            command.order.action,
            to_number(command.issued_at),
            to_number(command.expires_at),
            encode(command.order).decode(),
            command.token,
        )
        is_new = self._connection.execute(_INSERT_COMMAND, row).rowcount > 0
        if not is_new and command.token is not None:
            self._connection.execute(
                "UPDATE commands SET token = ? WHERE id = ? AND token IS NULL", (command.token, row[0])
            )
        return is_new

    def _answer(self, answer: Answer) -> bool:
        row = (answer.ending, to_number(answer.at), *self._place(answer.outcome), str(answer.command_id))
        return self._connection.execute(_ANSWER_COMMAND, row).rowcount > 0

    def _alert(self, alert: Alert) -> bool:
        """Store an alert's newest state; what is judged again must not reopen one that is final."""
        name, body = str(alert.id), encode(alert).decode()
        held = self._connection.execute("SELECT state, body FROM alerts WHERE id = ?", (name,)).fetchone()
        if held is not None and (held[1] == body or (held[0] == State.FINAL and alert.state != State.FINAL)):
            return False
        command = None if alert.command_id is None else str(alert.command_id)
        at = to_number(alert.at)
        row = (name, alert.state, at, alert.host, alert.severity, alert.detector, command, body)
        self._connection.execute(_REPLACE_ALERT, row)
        return True

    def _tell(self, told: Told) -> None:
        stream_id = self._id(told.stream)
        row = (told.opening, told.next, told.final, told.closed, stream_id)
        self._connection.execute(_TELL_STREAM, row)
        self._add(stream_id, DROPPED, told.dropped)


def _rows(
    stream_id: int, runs: list[Run], fresh: Ranges, observed: list[_Row], unreadable: list[_Row]
) -> None:
    """Add the rows of the items whose numbers are new, each once."""
    all_new = fresh.count == sum(len(run.items) for run in runs)  # nearly always: then nobody asks again
    taken: set[int] = set()
    for run in runs:
        kind, received_at = run.stream.kind, to_number(run.received_at)
        for number, item in enumerate(run.items, run.first):
            if not all_new:
                if number in taken or number not in fresh:
                    continue
                taken.add(number)
            if isinstance(item, Observed):
                row = (stream_id, number, kind, received_at, to_number(item.seen_at), item.body)
                observed.append(row)
            else:
                unreadable.append(_unreadable(stream_id, number, received_at, item))


def _unreadable(stream_id: int, number: int, received_at: int, item: Unreadable) -> _Row:
    body = item.raw[:MAX_UNREADABLE]
    return stream_id, number, received_at, item.reason[:300], len(item.raw), body
