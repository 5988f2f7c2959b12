"""Those who read: from any process, without ever holding up the writer."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, create_engine, func, select, tuple_
from sqlalchemy.pool import StaticPool
from vedette_schemas import Alert, Kind, Order, Stream, decode_alert

from . import schema
from .errors import OtherArchiveError, explained
from .opening import PATIENCE, open_to_read
from .ranges import Range, Ranges
from .rows import OpenCommand, Told
from .times import to_number, to_time

_PAGE = 500
_Question = Select[*tuple[Any, ...]]
_Row = Row[*tuple[Any, ...]]
_ORDER: TypeAdapter[Order] = TypeAdapter(Order)


class Cursor(NamedTuple):
    """How far a follower of the alerts has come, in which archive."""

    epoch: str
    sequence: int


class FollowedAlert(NamedTuple):
    """An alert as it was told, and the cursor of who has seen it."""

    cursor: Cursor
    alert: Alert


class ArchivedObservation(NamedTuple):
    """An observation with its name and when the server had it; `body` is the JSON that arrived."""

    received_at: datetime
    stream: Stream
    number: int
    body: str


class Counts(NamedTuple):
    """How much there is. `archived` counts all that ever came, `expired` what retention removed of it."""

    streams: int
    archived: int
    expired: int
    dropped: int
    unreadable: int
    alerts: int
    commands: int
    open_commands: int


class Reader:
    """Reads an archive, from one thread at a time; each question sees what is committed by then."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open an archive that is there."""
        self._path = path
        self._raw = open_to_read(path, patience=patience)
        # AUTOCOMMIT: no transaction stays open between two questions, which would keep the WAL growing.
        engine = create_engine(
            "sqlite://", creator=lambda: self._raw, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
        )
        self._connection = engine.connect()
        self.epoch = str(self._ask(select(schema.archive.c.epoch))[0][0])

    def newest_cursor(self) -> Cursor:
        """Return the cursor of who has seen every alert so far."""
        with explained(self._path):
            row = self._raw.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
        return Cursor(self.epoch, 0 if row is None else int(row[0]))

    def alerts_after(self, cursor: Cursor | None = None, limit: int = 100) -> list[FollowedAlert]:
        """Return the alerts told since `cursor`, oldest first; without a cursor, from the first that is kept.

        Raise `OtherArchiveError` where the cursor is not from this archive's past.
        """
        since = 0 if cursor is None else cursor.sequence
        if cursor is not None and (cursor.epoch != self.epoch or since > self.newest_cursor().sequence):
            raise OtherArchiveError(
                f"{self._path} is not the archive that was followed so far, or an older copy of it was "
                "restored: follow it from its beginning or its end"
            )
        alerts = schema.alerts.c
        query = select(alerts.sequence, alerts.body).where(alerts.sequence > since).order_by(alerts.sequence)
        return [self._followed(row) for row in self._ask(query.limit(limit))]

    def newest_alerts(self, limit: int = 100, *, host: str | None = None) -> list[FollowedAlert]:
        """Return the last alerts, newest first, of all hosts or of one."""
        alerts = schema.alerts.c
        query = select(alerts.sequence, alerts.body).order_by(alerts.sequence.desc()).limit(limit)
        if host is not None:
            query = query.where(alerts.host == host)
        return [self._followed(row) for row in self._ask(query)]

    def archived(self, stream: Stream) -> Ranges:
        """Return the numbers of a stream that are or were archived."""
        return self._ranges(stream, schema.ARCHIVED)

    def dropped(self, stream: Stream) -> Ranges:
        """Return the numbers of a stream that its principal declared dropped."""
        return self._ranges(stream, schema.DROPPED)

    def streams(self, principal: str) -> list[Told]:
        """Return what was last told of each of a principal's streams: 0 where nothing was yet."""
        streams = schema.streams.c
        query = select(
            streams.spool, streams.kind, streams.opening, streams.next, streams.final, streams.closed
        ).where(streams.principal == principal)
        found: list[Told] = []
        for spool, kind, opening, following, final, closed in self._ask(query.order_by(streams.id)):
            stream = Stream(principal, spool, kind)
            dropped = tuple(self.dropped(stream))
            found.append(Told(stream, opening or 0, following, bool(final), dropped, bool(closed)))
        return found

    def open_commands(self, audience: str | None = None) -> list[OpenCommand]:
        """Return the commands without an ending, oldest first, of all enforcers or of one."""
        commands = schema.commands
        query = select(commands).where(commands.c.ending.is_(None))
        if audience is not None:
            query = query.where(commands.c.audience == audience)
        rows = self._ask(query.order_by(commands.c.issued_at, commands.c.id))
        return [self._open_command(row) for row in rows]

    def observations_since(self, since: datetime, kinds: Iterable[Kind]) -> Iterator[ArchivedObservation]:
        """Yield the observations of these kinds that came since, in the order they came; a page at a time."""
        yield from heapq.merge(*(self._of_kind(kind, since) for kind in kinds))

    def counts(self) -> Counts:
        """Return how much there is; the ranges know it without counting observations."""
        streams, ranges, commands = schema.streams.c, schema.ranges.c, schema.commands.c
        length = func.coalesce(func.sum(ranges.last - ranges.first + 1), 0)
        asked = select(
            select(func.count()).select_from(schema.streams).scalar_subquery(),
            select(length).where(ranges.fate == schema.ARCHIVED).scalar_subquery(),
            select(func.coalesce(func.sum(streams.expired), 0)).scalar_subquery(),
            select(length).where(ranges.fate == schema.DROPPED).scalar_subquery(),
            select(func.count()).select_from(schema.unreadable).scalar_subquery(),
            select(func.count()).select_from(schema.alerts).scalar_subquery(),
            select(func.count()).select_from(schema.commands).scalar_subquery(),
            select(func.count()).where(commands.ending.is_(None)).scalar_subquery(),
        )
        return Counts(*self._ask(asked)[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._raw.close()

    def _ask(self, query: _Question) -> Sequence[_Row]:
        """Return all rows at once: no cursor stays open that would hold a snapshot."""
        with explained(self._path):
            return self._connection.execute(query).all()

    def _followed(self, row: _Row) -> FollowedAlert:
        return FollowedAlert(Cursor(self.epoch, row[0]), decode_alert(row[1].encode()))

    def _ranges(self, stream: Stream, fate: str) -> Ranges:
        ranges, streams = schema.ranges.c, schema.streams.c
        query = (
            select(ranges.first, ranges.last)
            .join(schema.streams, streams.id == ranges.stream_id)
            .where(streams.principal == stream.principal)
            .where(streams.spool == stream.spool)
            .where(streams.kind == stream.kind)
            .where(ranges.fate == fate)
        )
        return Ranges(Range(first, last) for first, last in self._ask(query))

    def _open_command(self, row: _Row) -> OpenCommand:
        alerts = schema.alerts.c
        settles = select(alerts.body).where(alerts.command_id == row.id).order_by(alerts.sequence)
        return OpenCommand(
            id=UUID(row.id),
            audience=row.audience,
            order=_ORDER.validate_json(row.body),
            issued_at=to_time(row.issued_at),
            expires_at=to_time(row.expires_at),
            token=row.token,
            alerts=tuple(decode_alert(body.encode()) for (body,) in self._ask(settles)),
        )

    def _of_kind(self, kind: Kind, since: datetime) -> Iterator[ArchivedObservation]:
        """Yield one kind's, by its index; the next page begins behind the last row of the one before."""
        table, streams = schema.observations.c, schema.streams.c
        place = tuple_(table.received_at, table.stream_id, table.number)
        query = (
            select(
                table.received_at, table.stream_id, table.number, streams.principal, streams.spool, table.body
            )
            .join(schema.streams, streams.id == table.stream_id)
            .where(table.kind == kind)
            .order_by(table.received_at, table.stream_id, table.number)
            .limit(_PAGE)
        )
        page = self._ask(query.where(table.received_at >= to_number(since)))
        while page:
            for received_at, _, number, principal, spool, body in page:
                stream = Stream(principal, spool, kind)
                yield ArchivedObservation(to_time(received_at), stream, number, body)
            last = page[-1]
            page = self._ask(query.where(place > tuple_(last[0], last[1], last[2])))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
