"""Those who read: from any process, without ever holding up the writer."""

import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, create_engine, exists, func, select, tuple_
from sqlalchemy.pool import StaticPool
from vedette_schemas import LOSS_DETECTORS, Alert, Kind, Life, Ranges, Stream

from . import schema
from .audit import Audit
from .commands import AnyRow, Question, archived_act, archived_command, open_command
from .errors import OtherArchiveError, explained
from .incidents import Incidents
from .ledger import Ledger
from .opening import PATIENCE, open_to_read
from .rows import (
    ArchivedAct,
    ArchivedCommand,
    ArchivedObservation,
    Counts,
    Cursor,
    Fate,
    FollowedAlert,
    Heard,
    OpenCommand,
    Place,
    Told,
    stored_alert,
)
from .suppressed import Suppressed
from .times import to_number, to_time

_PAGE = 500
_ALERTS = schema.alerts.c
_TOLD_SINCE = (  # built once: it is asked thirty times a second, and building it takes longer than the answer
    select(_ALERTS.sequence, _ALERTS.body)
    .where(_ALERTS.sequence > bindparam("since"))
    .order_by(_ALERTS.sequence)
    .limit(bindparam("most"))
)


class Reader:
    """Reads an archive, from one thread at a time; each question sees what is committed by then.

    `books` are the ledger of delivery, `name` is the archive's own, `suppressed` what operators suppressed.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open an archive that is there."""
        self._path = path
        self._raw = open_to_read(path, patience=patience)
        # AUTOCOMMIT: no transaction stays open between two questions, which would keep the WAL growing.
        engine = create_engine(
            "sqlite://", creator=lambda: self._raw, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
        )
        self._connection = engine.connect()
        self.name = str(self._ask(select(schema.archive.c.name))[0][0])
        self.books = Ledger(self._raw, path)
        self.suppressed = Suppressed(self._ask)
        self.incidents = Incidents(self._ask)
        self.audit = Audit(self._raw, path)

    def newest_cursor(self) -> Cursor:
        """Return the cursor of who has seen every alert so far."""
        with explained(self._path):
            row = self._raw.execute("SELECT seq FROM sqlite_sequence WHERE name = 'alerts'").fetchone()
        return Cursor(self.name, 0 if row is None else int(row[0]))

    def alerts_after(self, cursor: Cursor | None = None, limit: int = 100) -> list[FollowedAlert]:
        """Return the alerts told since `cursor`, oldest first; without a cursor, from the first that is kept.

        Raise `OtherArchiveError` where the cursor is not from this archive's past.
        """
        since = 0 if cursor is None else cursor.sequence
        if cursor is not None and (cursor.archive != self.name or since > self.newest_cursor().sequence):
            raise OtherArchiveError(
                f"{self._path} is not the archive that was followed so far, or an older copy of it was "
                "restored: follow it from its beginning or its end"
            )
        with explained(self._path):
            rows = self._connection.execute(_TOLD_SINCE, {"since": since, "most": limit}).all()
        return [self._followed(row) for row in rows]

    def newest_alerts(self, limit: int = 100, *, host: str | None = None) -> list[FollowedAlert]:
        """Return the last alerts, newest first, of all hosts or of one."""
        alerts = schema.alerts.c
        query = select(alerts.sequence, alerts.body).order_by(alerts.sequence.desc()).limit(limit)
        if host is not None:
            query = query.where(alerts.host == host)
        return [self._followed(row) for row in self._ask(query)]

    def alerts(self, names: Iterable[UUID]) -> list[Alert]:
        """Return the alerts of these ids, as they stand, as long as they are kept."""
        wanted = schema.alerts.c.id.in_([str(name) for name in names])
        return [stored_alert(body) for (body,) in self._ask(select(schema.alerts.c.body).where(wanted))]

    def numbers(self, stream: Stream, fate: Fate = Fate.ARCHIVED) -> Ranges:
        """Return the numbers of a stream that ever had this fate."""
        ranges, streams = schema.ranges.c, schema.streams.c
        query = (
            select(ranges.first, ranges.last)
            .join(schema.streams, streams.id == ranges.stream_id)
            .where(streams.principal == stream.principal)
            .where(streams.spool == stream.spool)
            .where(streams.kind == stream.kind)
            .where(ranges.fate == fate)
        )
        return Ranges.of((first, last) for first, last in self._ask(query))

    def senders(self) -> list[Heard]:
        """Return the programs that were heard, by name."""
        senders = schema.senders.c
        query = select(senders.principal, senders.life, senders.heard_at, senders.told)
        rows = self._ask(query.where(senders.life.is_not(None)).order_by(senders.principal))
        return [
            Heard(principal, Life(life), to_time(heard_at), None if told is None else Told(*json.loads(told)))
            for principal, life, heard_at, told in rows
        ]

    def losses(self) -> dict[str, dict[Fate, int]]:
        """Return how many observations of each host were never archived, by what became of them."""
        ranges, streams, found = schema.ranges.c, schema.streams.c, dict[str, dict[Fate, int]]()
        query = (
            select(streams.host, ranges.fate, func.total(ranges.last - ranges.first + 1))
            .join(schema.streams, streams.id == ranges.stream_id)
            .where(ranges.fate != Fate.ARCHIVED)
        )
        for host, fate, numbers in self._ask(query.group_by(streams.host, ranges.fate)):
            found.setdefault(host, {})[Fate(fate)] = int(numbers)
        return found

    def losing(self, since: datetime) -> frozenset[str]:
        """Return the hosts of which it was told since then that observations were lost."""
        alerts, streams, ranges = schema.alerts.c, schema.streams.c, schema.ranges.c
        losses = select(streams.host).join(schema.ranges, ranges.stream_id == streams.id)
        # Each host is asked for once: a hostile one can have lost very many ranges.
        lost = losses.where(ranges.fate != Fate.ARCHIVED).distinct().cte("lost")
        told = exists().where(
            alerts.host == lost.c.host, alerts.at >= to_number(since), alerts.detector.in_(LOSS_DETECTORS)
        )
        query = select(lost.c.host).where(told)
        return frozenset(host for (host,) in self._ask(query))

    def follower(self, name: str) -> int:
        """Return how far a follower of the alerts has come; 0 where it is unknown."""
        followers = schema.followers.c
        rows = self._ask(select(followers.sequence).where(followers.name == name))
        return int(rows[0][0]) if rows else 0

    def deaths(self) -> dict[Place, int]:
        """Return at which observations the analyzer died, and how often."""
        deaths = schema.deaths.c
        rows = self._ask(select(deaths.principal, deaths.spool, deaths.kind, deaths.number, deaths.count))
        return {Place(Stream(*stream), number): count for *stream, number, count in rows}

    def command(self, command_id: UUID) -> ArchivedCommand | None:
        """Return a command, how it ended and its alerts; `None` where it is not known."""
        commands = schema.commands
        for row in self._ask(select(commands).where(commands.c.id == str(command_id))):
            return archived_command(row, self._ask)
        return None

    def open_commands(self, audience: str | None = None) -> list[OpenCommand]:
        """Return the commands without an ending, oldest first, of all enforcers or of one."""
        commands = schema.commands
        query = select(commands).where(commands.c.ending.is_(None))
        if audience is not None:
            query = query.where(commands.c.audience == audience)
        rows = self._ask(query.order_by(commands.c.issued_at, commands.c.id))
        return [open_command(row, self._ask) for row in rows]

    def lasting_commands(self, now: datetime) -> list[ArchivedCommand]:
        """Return what lasts beyond `now`, or would if it had not been undone; what ends first comes first."""
        commands = schema.commands
        query = select(commands).where(commands.c.until > to_number(now))
        return [
            archived_command(row, self._ask)
            for row in self._ask(query.order_by(commands.c.until, commands.c.id))
        ]

    def newest_commands(self, limit: int = 100) -> list[ArchivedCommand]:
        """Return the last commands, newest first."""
        commands = schema.commands
        query = select(commands).order_by(commands.c.issued_at.desc(), commands.c.id).limit(limit)
        return [archived_command(row, self._ask) for row in self._ask(query)]

    def command_ids(self, beginning: str, limit: int = 5) -> list[UUID]:
        """Return ids of commands that begin so."""
        known = schema.commands.c.id
        query = select(known).where(known.startswith(beginning, autoescape=True)).order_by(known)
        return [UUID(name) for (name,) in self._ask(query.limit(limit))]

    def outcome(self, command_id: UUID) -> ArchivedObservation | None:
        """Return the outcome that ended a command, as long as it is kept."""
        commands, streams, seen = schema.commands.c, schema.streams.c, schema.observations.c
        query = (
            select(seen.received_at, streams.principal, streams.spool, streams.kind, seen.number, seen.body)
            .join(schema.streams, streams.id == seen.stream_id)
            .join(schema.commands, (commands.stream_id == seen.stream_id) & (commands.number == seen.number))
            .where(commands.id == str(command_id))
        )
        for received_at, *stream, number, body in self._ask(query):
            return ArchivedObservation(to_time(received_at), Stream(*stream), number, body)
        return None

    def act(self, act_id: UUID) -> ArchivedAct | None:
        """Return an act; `None` where it is not known."""
        acts = schema.acts
        for row in self._ask(select(acts).where(acts.c.id == str(act_id))):
            return archived_act(row)
        return None

    def observations_since(self, since: datetime, kinds: Iterable[Kind]) -> Iterator[ArchivedObservation]:
        """Yield the observations of these kinds that came since, in the order they came; a page at a time."""
        yield from heapq.merge(*(self._of_kind(kind, since) for kind in kinds))

    def counts(self) -> Counts:
        """Return how much there is; the ranges know it without counting observations."""
        streams, commands = schema.streams.c, schema.commands.c
        expired = func.total(streams.expired)
        asked = select(
            select(func.count()).select_from(schema.streams).scalar_subquery(),
            _ended_as(Fate.ARCHIVED),
            cast(select(expired).scalar_subquery() + _forgotten(Fate.ARCHIVED), BigInteger),
            _ended_as(Fate.DROPPED),
            _ended_as(Fate.MISSING),
            _ended_as(Fate.LOST),
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

    def _ask(self, query: Question) -> Sequence[AnyRow]:
        """Return all rows at once: no cursor stays open that would hold a snapshot."""
        with explained(self._path):
            return self._connection.execute(query).all()

    def _followed(self, row: AnyRow) -> FollowedAlert:
        return FollowedAlert(Cursor(self.name, row[0]), stored_alert(row[1]))

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


def _ended_as(fate: Fate) -> ColumnElement[int]:
    """Ask how many numbers ended as this, in streams that are known and in those that are not any more."""
    ranges = schema.ranges.c
    length = func.total(ranges.last - ranges.first + 1)
    return cast(select(length).where(ranges.fate == fate).scalar_subquery() + _forgotten(fate), BigInteger)


def _forgotten(fate: Fate) -> ColumnElement[float]:
    # SQLite's sum fails where what hosts claim is too large; its total does not.
    forgotten = schema.forgotten.c
    return select(func.total(forgotten.numbers)).where(forgotten.fate == fate).scalar_subquery()
