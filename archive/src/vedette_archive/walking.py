"""Reading observations once, host by host, as they lie on the disk: for hunts, which look at all of them."""

import json
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from vedette_schemas import Alert, Kind, Observation, Stream
from vedette_schemas.observations import AnyObservation

from .errors import explained
from .opening import PATIENCE, open_to_read
from .rows import stored_alert
from .times import to_number, to_time

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(AnyObservation)

PAGE = 1_000
"""Observations in a page: no transaction is open between two, so that nobody is held up."""

_KINDS = "(SELECT value FROM json_each(:kinds))"
_STREAMS = f"""
    SELECT id, principal, spool, kind, host, 0,
        (SELECT max(number) FROM observations WHERE stream_id = id),
        (SELECT total(last - first + 1) FROM ranges WHERE stream_id = id AND fate = 'archived') - expired
    FROM streams WHERE kind IN {_KINDS} ORDER BY host, id"""  # noqa: S608 - our own words
_STREAMS_SINCE = f"""
    SELECT id, principal, spool, streams.kind, host, first - 1, last, count FROM streams JOIN (
        SELECT stream_id, min(number) AS first, max(number) AS last, count(*) AS count FROM observations
        WHERE kind IN {_KINDS} AND received_at >= :since GROUP BY stream_id) ON stream_id = id
    ORDER BY host, id"""  # noqa: S608 - our own words
_PAGE = (
    "SELECT number, received_at, body FROM observations "
    "WHERE stream_id = ? AND number > ? AND number <= ? AND received_at >= ? ORDER BY number LIMIT ?"
)


class WalkedRow(NamedTuple):
    """An observation: its number in its stream, when the server had it, and the JSON that arrived."""

    number: int
    received_at: datetime
    body: str

    def observation(self) -> Observation | None:
        """Return it; `None` where it is of a Vedette whose observations were different."""
        try:
            return _OBSERVATION.validate_json(self.body)
        except ValidationError:
            return None


class WalkedPage(NamedTuple):
    """Some observations of one stream."""

    stream_id: int
    stream: Stream
    host: str
    rows: list[WalkedRow]


class _Part(NamedTuple):
    """A stream, and between which of its numbers to read; `size` is how many those are, about."""

    id: int
    principal: str
    spool: str
    kind: str
    host: str
    after: int
    last: int | None
    size: float


class Walk:
    """The observations that are archived now, in a connection of its own, by one thread at a time.

    What is archived later is not read. `total` is how many there are, about.
    """

    def __init__(
        self,
        path: Path,
        kinds: Collection[Kind],
        since: datetime | None = None,
        *,
        host: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """Open an archive, to read what the server had `since`, all or one host's."""
        self._path, self._since = path, 0 if since is None else to_number(since)
        self._connection = open_to_read(path, patience=patience)
        query = _STREAMS if since is None else _STREAMS_SINCE
        with explained(path):
            names = {"kinds": json.dumps(list(kinds)), "since": self._since}
            found = self._connection.execute(query, names).fetchall()
        self._parts = [part for part in map(_Part._make, found) if host is None or part.host == host]
        self.total = round(sum(part.size for part in self._parts))

    def pages(self) -> Iterator[WalkedPage]:
        """Yield them, host by host and stream by stream."""
        for part in self._parts:
            stream, after = Stream(part.principal, part.spool, part.kind), part.after
            while part.last is not None and after < part.last:
                with explained(self._path):
                    span = part.id, after, part.last, self._since, PAGE
                    found = self._connection.execute(_PAGE, span).fetchall()
                if not found:
                    break
                rows = [WalkedRow(number, to_time(at), body) for number, at, body in found]
                yield WalkedPage(part.id, stream, part.host, rows)
                after = rows[-1].number

    def has_finding(self, page: WalkedPage, number: int, key: str) -> bool:
        """Tell whether this was found in an observation when it was judged."""
        query = "SELECT 1 FROM findings WHERE stream_id = ? AND number = ? AND key = ?"
        with explained(self._path):
            return self._connection.execute(query, (page.stream_id, number, key)).fetchone() is not None

    def alert(self, name: UUID) -> Alert | None:
        """Return an alert as it was last told; `None` where it never was."""
        with explained(self._path):
            row = self._connection.execute("SELECT body FROM alerts WHERE id = ?", (str(name),)).fetchone()
        return None if row is None else stored_alert(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
