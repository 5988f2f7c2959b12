"""What delivery asks of the archive, read through the bare driver: the analyzer asks with each report."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from vedette_schemas import Position, Ranges, SenderRecord, Stream, StreamRecord

from .errors import explained

# The archived ranges from the floor on, and the one that reaches it from below.
_STREAM = (
    "SELECT s.floor, s.next, s.ordinal, s.final, s.closed, s.vanished, s.untold, "
    "s.went_back, s.doubtful, r.first, r.last FROM streams s "
    "LEFT JOIN ranges r ON r.stream_id = s.id AND r.fate = 'archived' AND r.first >= ifnull("
    "(SELECT max(first) FROM ranges WHERE stream_id = s.id AND fate = 'archived' AND first <= s.floor), "
    "s.floor) WHERE s.principal = ? AND s.spool = ? AND s.kind = ?"
)
_STREAMS_DUE = "SELECT spool, kind FROM streams WHERE principal = ? AND closed = 0 AND vanished = 0"


class Ledger:
    """The archive's books as they are committed by now; within a transaction, with what it wrote."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Read through `connection`; `path` is what errors name."""
        self._connection, self._path = connection, path

    @property
    def position(self) -> Position:
        """Where the archive stands: the epoch of its last commit, whoever made it, and how many it has."""
        query = "SELECT e.epoch, e.commits FROM archive a JOIN epochs e ON e.epoch = a.epoch"
        epoch, commits = self._ask(query)[0]
        return Position(epoch=epoch, commits=commits)

    def stream(self, stream: Stream) -> StreamRecord:
        """Return what is known of a stream: of a new one, a record as it is made."""
        rows = self._ask(_STREAM, *stream)
        if not rows:
            return StreamRecord()
        floor, following, ordinal, final, closed, vanished, untold, went_back, doubtful, _, _ = rows[0]
        return StreamRecord(
            floor=floor,
            archived=Ranges(
                tuple(sorted((max(row[9], floor), row[10]) for row in rows if (row[10] or 0) >= floor))
            ),
            next=following,
            ordinal=ordinal,
            final=bool(final),
            closed=bool(closed),
            vanished=bool(vanished),
            untold=untold,
            went_back=went_back,
            doubtful=doubtful,
        )

    def streams_due(self, principal: str) -> list[Stream]:
        """Return the known streams of a sender that are neither closed nor vanished."""
        return [Stream(principal, spool, kind) for spool, kind in self._ask(_STREAMS_DUE, principal)]

    def sender(self, principal: str) -> SenderRecord:
        """Return what is known of a sender."""
        for beats, lost in self._ask("SELECT beats, lost FROM senders WHERE principal = ?", principal):
            return SenderRecord(
                beats=tuple((spool, number) for spool, number in json.loads(beats)),
                lost=tuple(Position(epoch=epoch, commits=commits) for epoch, commits in json.loads(lost)),
            )
        return SenderRecord()

    def commits(self, epoch: str) -> int | None:
        """Return how many commits the archive has of this epoch; `None` if it does not know it."""
        rows = self._ask("SELECT commits FROM epochs WHERE epoch = ?", epoch)
        return int(rows[0][0]) if rows else None

    def is_known_lost(self, epoch: str) -> bool:
        """Tell whether it was noted that the archive lost this epoch."""
        return bool(self._ask("SELECT 1 FROM lost_epochs WHERE epoch = ?", epoch))

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with explained(self._path):
            return self._connection.execute(query, values).fetchall()
