"""The archive's books while a transaction is open: what is written here is committed together."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import Life, Ranges, SenderRecord, Stream, StreamRecord

from . import fates
from .auditing import audited
from .chain import Head, append, head
from .incident_books import IncidentBooks
from .judgements import (
    store_act,
    store_alert,
    store_answer,
    store_approval,
    store_command,
    store_finding,
    store_undone,
)
from .ledger import Ledger
from .rows import Batch, Fate, Place, Stored, Told
from .runs import store_runs
from .streams import host_of, open_streams
from .suppressed import store_suppressing
from .times import to_number

_KEEP_SENDER = (
    "INSERT INTO senders (principal, host, beats, lost) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET beats = excluded.beats, lost = excluded.lost"
)
_HEARD = (
    "INSERT INTO senders (principal, host, life, heard_at, told) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET life = excluded.life, heard_at = excluded.heard_at, "
    "told = ifnull(excluded.told, told)"
)
_KEPT = "floor next ordinal final closed vanished untold went_back doubtful".split()
_VALUES = [f"json_extract(value, '$[{n}]')" for n in range(2 + len(_KEPT))]
_KEEP_STREAMS = (
    f"INSERT INTO streams (principal, host, spool, kind, {', '.join(_KEPT)}, over_at) "  # noqa: S608 - our own words
    f"SELECT ?1, ?2, {', '.join(_VALUES)}, "
    "CASE WHEN json_extract(value, '$[6]') OR json_extract(value, '$[7]') "
    "THEN (SELECT heard_at FROM senders WHERE principal = ?1) END "
    "FROM json_each(?3) WHERE true ON CONFLICT (principal, spool, kind) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_KEPT, "over_at"))
)
_DIED = (
    "INSERT INTO deaths (principal, spool, kind, number, count, at) VALUES (?, ?, ?, ?, 1, ?) "
    "ON CONFLICT DO UPDATE SET count = count + 1, at = excluded.at RETURNING count"
)
_SURVIVED = "DELETE FROM deaths WHERE principal = ? AND spool = ? AND kind = ? AND number = ?"
_FOLLOWED = (
    "INSERT INTO followers (name, sequence) VALUES (?, ?) "
    "ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)"
)


class Books(Ledger):
    """Reads and writes within one transaction."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Write through `connection`, in the transaction that is open on it."""
        super().__init__(connection, path)
        self._ids: dict[Stream, int] = {}
        self.incidents = IncidentBooks(connection)

    def store(self, batch: Batch) -> Stored:
        """Store all of a batch but what is below its stream's floor; tell what was new."""
        connection = self._connection
        numbers = store_runs(connection, batch.runs)
        for judged in batch.findings:
            store_finding(connection, judged, self._id)
        commands = tuple(each.id for each in batch.commands if store_command(connection, each))
        for approved in batch.approvals:
            store_approval(connection, approved)
        answers = tuple(each.command_id for each in batch.answers if store_answer(connection, each, self._id))
        for undone in batch.undone:
            store_undone(connection, undone)
        acts = tuple(act for act in batch.acts if store_act(connection, act))
        hidden = store_suppressing(connection, batch.suppressing)
        for said in batch.triaged:
            self.incidents.triage(said)
        if entries := audited(connection, batch, acts, commands, answers):
            append(connection, entries)
        alerts = tuple(dict.fromkeys(each.id for each in batch.alerts if store_alert(connection, each)))
        return Stored(numbers=numbers, commands=commands, answers=answers, alerts=alerts, hidden=hidden)

    @property
    def audit_head(self) -> Head:
        """The last row of the audit, with what was written in this transaction."""
        return head(self._connection)

    def keep(self, principal: str, sender: SenderRecord, streams: Mapping[Stream, StreamRecord]) -> None:
        """Write what reconciliation found of a sender and its streams, once it was `heard`.

        When that was is since when a stream is over. What a record says is archived is not read: the
        archive knows that itself.
        """
        beats = json.dumps(sender.beats)
        lost = json.dumps([(position.epoch, position.commits) for position in sender.lost])
        self._connection.execute(_KEEP_SENDER, (principal, host_of(principal), beats, lost))
        rows = [
            (stream.spool, stream.kind, *(getattr(record, name) for name in _KEPT))
            for stream, record in streams.items()
        ]
        self._connection.execute(_KEEP_STREAMS, (principal, host_of(principal), json.dumps(rows)))

    def declare(self, stream: Stream, fate: Fate, numbers: Ranges) -> None:
        """Put down what became of numbers that are not archived; what was last said of one holds."""
        if fate not in fates.DECLARED:
            raise ValueError(f"numbers can't be declared {fate}")
        stream_id = self._id(stream)
        numbers = fates.without(self._connection, stream_id, Fate.ARCHIVED, numbers)
        for other in fates.DECLARED:
            if other is not fate:
                fates.take(self._connection, stream_id, other, numbers)
        fates.add(self._connection, stream_id, fate, numbers)
        self._connection.execute(
            "UPDATE streams SET declared = max(declared, ?) WHERE id = ?", (numbers.highest, stream_id)
        )

    def note_lost(self, epochs: Iterable[str]) -> None:
        """Note that it was said that the archive lost these epochs."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO lost_epochs (epoch) VALUES (?)", [(epoch,) for epoch in epochs]
        )

    def heard(self, principal: str, life: Life, at: datetime, told: Told | None = None) -> None:
        """Write how a program last said it is, and when; `None` leaves what it told before."""
        text = None if told is None else json.dumps([told.version, dict(told.facts), told.held])
        self._connection.execute(_HEARD, (principal, host_of(principal), life, to_number(at), text))

    def followed(self, name: str, sequence: int) -> None:
        """Write how far a follower of the alerts has come."""
        self._connection.execute(_FOLLOWED, (name, sequence))

    def died(self, place: Place, at: datetime | None = None) -> int:
        """Count one more death of the analyzer at an observation; return how many it were."""
        died_at = to_number(at or datetime.now(UTC))
        row = self._connection.execute(_DIED, (*place.stream, place.number, died_at)).fetchall()[0]
        return int(row[0])

    def survived(self, place: Place) -> None:
        """Forget the deaths at an observation; storing it does so as well."""
        self._connection.execute(_SURVIVED, (*place.stream, place.number))

    def _id(self, stream: Stream) -> int:
        known = self._ids.get(stream)
        if known is None:
            known = self._ids[stream] = open_streams(self._connection, [stream])[stream].id
        return known
