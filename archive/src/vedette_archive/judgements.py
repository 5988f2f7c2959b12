"""Storing what came of observations: findings, commands, their endings, alerts."""

import sqlite3
from collections.abc import Callable

from vedette_schemas import Alert, State, Stream, encode

from .rows import Answer, Judged, OpenCommand, Place
from .times import to_number

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
    """Store an order, tell whether it is new; its token may come later, when its enforcer is first heard."""
    row = (
        str(command.id),
        command.audience,
        command.order.action,
        to_number(command.issued_at),
        to_number(command.expires_at),
        encode(command.order).decode(),
        command.token,
    )
    is_new = connection.execute(_INSERT_COMMAND, row).rowcount > 0
    if not is_new and command.token is not None:
        connection.execute(
            "UPDATE commands SET token = ? WHERE id = ? AND token IS NULL", (command.token, row[0])
        )
    return is_new


def store_answer(connection: sqlite3.Connection, answer: Answer, stream_id: StreamId) -> bool:
    """Store how a command ended; tell whether that is new."""
    place = _place(answer.outcome, stream_id)
    row = (answer.ending, to_number(answer.at), *place, str(answer.command_id))
    return connection.execute(_ANSWER_COMMAND, row).rowcount > 0


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
