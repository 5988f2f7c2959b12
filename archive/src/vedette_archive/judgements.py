"""Storing what came of observations and acts: findings, commands, their endings, alerts."""

import sqlite3
from collections.abc import Callable

from vedette_schemas import Alert, State, Stream, Undo, encode

from .rows import Answer, Approved, ArchivedAct, Judged, OpenCommand, Place, Undone
from .times import to_number

_INSERT_FINDING = (
    "INSERT INTO findings (stream_id, number, key, judged_at, detector, severity, finding, action, verdict) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_COMMAND = (
    "INSERT INTO commands (id, audience, action, issued_at, expires_at, body, act, waits, indicator, "
    "ordered_by, undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# An outcome says more than that nobody answered in time; nothing overrules an outcome. What has one was
# approved, even if the analyzer died before that was archived.
_ANSWER_COMMAND = (
    "UPDATE commands SET ending = ?1, ended_at = ?2, stream_id = ?3, number = ?4, until = ifnull(?6, until), "
    "waits = waits AND ?1 IN ('expired', 'withdrawn') WHERE id = ?5 AND (ending IS NULL "
    "OR (ending IN ('expired', 'withdrawn') AND ?1 NOT IN ('expired', 'withdrawn')))"
)
_APPROVE = (
    "UPDATE commands SET waits = 0, ordered_by = ?, act = ?, issued_at = ?, expires_at = ? "
    "WHERE id = ? AND waits AND ending IS NULL"
)
# An outcome knows better how long it would have lasted.
_UNDO = (
    "UPDATE commands SET undone_by = ifnull(undone_by, ?), undone_at = ifnull(undone_at, ?), "
    "until = ifnull(until, ?), lifted = max(lifted, ?) WHERE id = ?"
)
_INSERT_ACT = (
    "INSERT INTO acts (id, issuer, at, kind, done, words, command_id, token) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
# The row that is replaced is deleted: its successor gets a new sequence, which followers have yet to reach.
_REPLACE_ALERT = (
    "INSERT OR REPLACE INTO alerts (id, state, at, host, severity, detector, command_id, body) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)

StreamId = Callable[[Stream], int]


def store_finding(connection: sqlite3.Connection, judged: Judged, stream_id: StreamId) -> None:
    """Store a finding and its verdict, once."""
    row = (
        *_place(judged.place, stream_id),
        judged.key,
        to_number(judged.judged_at),
        judged.detector,
        judged.severity,
        judged.finding,
        judged.action,
        judged.verdict,
    )
    connection.execute(_INSERT_FINDING, row)


def store_command(connection: sqlite3.Connection, command: OpenCommand) -> bool:
    """Store an order; tell whether it is new."""
    row = (
        str(command.id),
        command.audience,
        command.order.action,
        to_number(command.issued_at),
        to_number(command.expires_at),
        encode(command.order).decode(),
        command.act,
        command.waits,
        command.indicator,
        command.ordered_by,
        str(command.order.command_id) if isinstance(command.order, Undo) else None,
    )
    return connection.execute(_INSERT_COMMAND, row).rowcount > 0


def store_answer(connection: sqlite3.Connection, answer: Answer, stream_id: StreamId) -> bool:
    """Store how a command ended; tell whether that is new."""
    place = _place(answer.outcome, stream_id)
    until = None if answer.until is None else to_number(answer.until)
    row = (answer.ending, to_number(answer.at), *place, str(answer.command_id), until)
    return connection.execute(_ANSWER_COMMAND, row).rowcount > 0


def store_approval(connection: sqlite3.Connection, approved: Approved) -> None:
    """Let a command wait no longer, unless it has ended."""
    times = to_number(approved.at), to_number(approved.expires_at)
    connection.execute(_APPROVE, (approved.by, approved.act, *times, str(approved.command_id)))


def store_undone(connection: sqlite3.Connection, undone: Undone) -> None:
    """Store who undid a command; the first who did is who is named."""
    times = to_number(undone.at), to_number(undone.until)
    connection.execute(_UNDO, (undone.by, *times, undone.lifted, str(undone.command_id)))


def store_act(connection: sqlite3.Connection, act: ArchivedAct) -> bool:
    """Store an act and its answer, once; tell whether it is new."""
    command = None if act.command_id is None else str(act.command_id)
    row = (str(act.id), act.issuer, to_number(act.at), act.kind, act.done, act.words, command, act.token)
    return connection.execute(_INSERT_ACT, row).rowcount > 0


def store_alert(connection: sqlite3.Connection, alert: Alert) -> bool:
    """Store an alert's newest state, tell whether it is new; what is judged again reopens no final one."""
    name, body = str(alert.id), encode(alert).decode()
    held = connection.execute("SELECT state, body FROM alerts WHERE id = ?", (name,)).fetchone()
    if held is not None and (held[1] == body or (held[0] == State.FINAL and alert.state != State.FINAL)):
        return False
    command = None if alert.command_id is None else str(alert.command_id)
    at = to_number(alert.at)
    row = (name, alert.state, at, alert.host, alert.severity, alert.detector, command, body)
    connection.execute(_REPLACE_ALERT, row)
    return True


def _place(place: Place | None, stream_id: StreamId) -> tuple[int | None, int | None]:
    return (None, None) if place is None else (stream_id(place.stream), place.number)
