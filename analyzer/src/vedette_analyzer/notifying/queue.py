"""What is still to be told, on disk: whatever ends us, it is told, and under the same name."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from vedette_archive import Cursor
from vedette_schemas import Alert, SettingsError, State, VedetteError

from . import routing
from .dispatch import MOST_ITEMS, Dispatch, Item, Waiting, dispatch
from .routing import Known
from .settings import Route

_APPLICATION = 0x5664_4E71  # VdNq
_VERSION = 1
_PATIENCE = 5.0
_HOUR = timedelta(hours=1)
_REMEMBERED = timedelta(days=3)
"""Longer than any command is open: by then an alert is final, and comes no more."""

_MOST_KNOWN = 500_000

_STRANDED = timedelta(days=30)

_SCHEMA = """
CREATE TABLE follower (
    id INTEGER PRIMARY KEY CHECK (id = 1), archive TEXT NOT NULL, sequence INTEGER NOT NULL, since TEXT
);
CREATE TABLE known (
    lane TEXT NOT NULL, alert TEXT NOT NULL, at TEXT NOT NULL, awaits_end INTEGER NOT NULL,
    PRIMARY KEY (lane, alert)
) WITHOUT ROWID;
CREATE INDEX known_by_time ON known (at);
CREATE TABLE waiting (
    lane TEXT NOT NULL, key TEXT NOT NULL, ready_at TEXT NOT NULL, gravity INTEGER NOT NULL,
    alerts INTEGER NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL, item TEXT NOT NULL,
    PRIMARY KEY (lane, key)
) WITHOUT ROWID;
CREATE INDEX waiting_by_time ON waiting (lane, ready_at);
CREATE TABLE told (
    lane TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (lane, key)
) WITHOUT ROWID;
CREATE TABLE sent (lane TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX sent_by_time ON sent (lane, at);
CREATE TABLE outgoing (
    lane TEXT PRIMARY KEY, body TEXT NOT NULL, refused INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE trouble (
    lane TEXT PRIMARY KEY, since TEXT NOT NULL, why TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
"""


class QueueError(VedetteError):
    """The queue can't be written or read now; nothing of what was to be changed is."""


class Outgoing(NamedTuple):
    """A message on its way; `refused`: as it is, so that other words may get through."""

    dispatch: Dispatch
    refused: bool = False


class Trouble(NamedTuple):
    """A lane fails since then; `told`: on the others."""

    since: datetime
    why: str
    told: bool


class Depth(NamedTuple):
    """What is still to be told in a lane: messages on their way, alerts, and since when the oldest waits."""

    outgoing: int
    alerts: int
    oldest: datetime | None


class Queue:
    """The file of what is still to be told; used by one process, from one thread."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it, for its owner alone; raise `SettingsError` where that can't be."""
        self._path = path
        try:
            self._lock = _locked(path)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise SettingsError(f"{path}: can't be opened: {error.strerror}") from None
        try:
            self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            _set_up(path, self._db)
        except sqlite3.Error as error:
            raise SettingsError(
                f"{path}: can't be used ({error}): move it away; what it held is not told then"
            ) from None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
        os.close(self._lock)

    def follower(self) -> tuple[Cursor, datetime | None] | None:
        """Return how far the archive was followed, and from which time on alerts count; `None`: not yet."""
        for archive, sequence, since in self._ask("SELECT archive, sequence, since FROM follower"):
            return Cursor(archive, sequence), None if since is None else datetime.fromisoformat(since)
        return None

    def begin(self, cursor: Cursor, since: datetime | None) -> None:
        """Follow from here on; alerts older than `since` do not count."""
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO follower VALUES (1, ?, ?, ?)",
                (*cursor, None if since is None else _text(since)),
            )

    def take(
        self,
        alerts: Iterable[Alert],
        lanes: Mapping[str, Route],
        now: datetime,
        zone: ZoneInfo,
        cursor: Cursor | None = None,
    ) -> set[str]:
        """Take alerts in, and that they were followed up to `cursor`; return the lanes they wait in."""
        touched = set[str]()
        with self._transaction():
            for alert in alerts:
                for name, route in lanes.items():
                    if routing.wants(route, alert, now, zone):
                        self._take(name, route, alert, now, zone)
                        touched.add(name)
            if cursor is not None:
                self._db.execute("UPDATE follower SET sequence = ?", (cursor.sequence,))
        return touched

    def due(self, name: str, route: Route, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return when the next message of a lane may be made; `None` where nothing waits."""
        ((ready,),) = self._ask("SELECT min(ready_at) FROM waiting WHERE lane = ?", name)
        rows = self._ask(
            "SELECT at FROM sent WHERE lane = ? AND at > ? ORDER BY at", name, _text(now - _HOUR)
        )
        sent = [datetime.fromisoformat(at) for (at,) in rows]
        return routing.due(route, None if ready is None else datetime.fromisoformat(ready), sent, now, zone)

    def pack(self, name: str, now: datetime) -> None:
        """Make a message of what waits in a lane, as much as one holds, the gravest first.

        Repeats that are held back go with it; what is told within seconds by itself does not.
        """
        with self._transaction():
            rows = self._db.execute(
                "SELECT key, item, ready_at FROM waiting"
                " WHERE lane = ?1 AND NOT (ready_at > ?2 AND ready_at <= ?3)"
                " ORDER BY gravity DESC, last_at DESC LIMIT ?4",
                (name, _text(now), _text(now + routing.SETTLE), MOST_ITEMS),
            ).fetchall()
            if not rows:
                return
            waiting = tuple(_waiting(*row) for row in rows)
            body = dispatch(name, waiting, now).model_dump_json(exclude_none=True)
            self._db.execute("INSERT INTO outgoing (lane, body) VALUES (?, ?)", (name, body))
            for each in waiting:
                self._told(name, each, now)
            self._db.execute("INSERT INTO sent VALUES (?, ?)", (name, _text(now)))

    def outgoing(self, name: str) -> Outgoing | None:
        """Return the message of a lane that is on its way."""
        for body, refused in self._ask("SELECT body, refused FROM outgoing WHERE lane = ?", name):
            return Outgoing(Dispatch.model_validate_json(body), bool(refused))
        return None

    def refused(self, name: str) -> None:
        """Note that the message of a lane was refused as it is."""
        with self._transaction():
            self._db.execute("UPDATE outgoing SET refused = 1 WHERE lane = ?", (name,))

    def delivered(self, name: str) -> None:
        """Note that the message of a lane has arrived, so that it fails no more."""
        with self._transaction():
            self._db.execute("DELETE FROM outgoing WHERE lane = ?", (name,))
            self._db.execute("DELETE FROM trouble WHERE lane = ?", (name,))

    def trouble(self, name: str) -> Trouble | None:
        """Return since when a lane fails; `None` where it does not."""
        for since, why, told in self._ask("SELECT since, why, told FROM trouble WHERE lane = ?", name):
            return Trouble(datetime.fromisoformat(since), why, bool(told))
        return None

    def fails(self, name: str, why: str, now: datetime, *, told: bool = False) -> Trouble:
        """Note that a lane fails, and whether that was told; return since when."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO trouble (lane, since, why, told) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT DO UPDATE SET why = ?3, told = max(told, ?4)",
                (name, _text(now), why, told),
            )
        found = self.trouble(name)
        assert found is not None  # noqa: S101 (it was just written)
        return found

    def depth(self, name: str) -> Depth:
        """Return what is still to be told in a lane."""
        return depth(self._ask, name)

    def tidy(self, lanes: Iterable[str], now: datetime) -> None:
        """Forget what is not needed any more."""
        with self._transaction():
            self._db.execute("DELETE FROM known WHERE at < ?", (_text(now - _REMEMBERED),))
            self._db.execute("DELETE FROM told WHERE at < ?", (_text(now - _REMEMBERED),))
            self._db.execute("DELETE FROM sent WHERE at < ?", (_text(now - _HOUR),))
            self._db.execute(
                "DELETE FROM known WHERE at < (SELECT at FROM known ORDER BY at DESC LIMIT 1 OFFSET ?)",
                (_MOST_KNOWN,),
            )
            names = list(lanes)
            marks = ", ".join("?" * len(names))
            self._db.execute(
                f"DELETE FROM waiting WHERE last_at < ? AND lane NOT IN ({marks})",  # noqa: S608
                (_text(now - _STRANDED), *names),
            )

    def _take(self, name: str, route: Route, alert: Alert, now: datetime, zone: ZoneInfo) -> None:
        key = routing.key(route, alert)
        waiting = self._waiting(name, key)
        under = key
        if waiting is None and self._is_full(name):
            under = routing.OTHERS
            waiting = self._waiting(name, under)
        told = self._ask("SELECT at FROM told WHERE lane = ? AND key = ?", name, key)
        known = self._ask("SELECT awaits_end FROM known WHERE lane = ? AND alert = ?", name, str(alert.id))
        taken = routing.take(
            route,
            alert,
            now,
            zone,
            known=Known(bool(known[0][0])) if known else None,
            waiting=waiting,
            told_at=datetime.fromisoformat(told[0][0]) if told else None,
            under=under,
        )
        if taken.waiting is not None and taken.waiting != waiting:
            self._keep(name, taken.waiting)
        self._db.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)",
            (name, str(alert.id), _text(now), taken.known.awaits_end),
        )

    def _waiting(self, name: str, key: str) -> Waiting | None:
        rows = self._ask("SELECT key, item, ready_at FROM waiting WHERE lane = ? AND key = ?", name, key)
        return _waiting(*rows[0]) if rows else None

    def _is_full(self, name: str) -> bool:
        ((count,),) = self._ask("SELECT count(*) FROM waiting WHERE lane = ?", name)
        return int(count) >= routing.MOST_WAITING

    def _keep(self, name: str, waiting: Waiting) -> None:
        item = waiting.item
        self._db.execute(
            "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                waiting.key,
                _text(waiting.ready_at),
                routing.level(item.newest.severity),
                item.count,
                _text(item.first_at),
                _text(item.last_at),
                item.model_dump_json(exclude_none=True),
            ),
        )

    def _told(self, name: str, waiting: Waiting, now: datetime) -> None:
        newest = waiting.item.newest
        self._db.execute("DELETE FROM waiting WHERE lane = ? AND key = ?", (name, waiting.key))
        if waiting.item.count:
            self._db.execute("INSERT OR REPLACE INTO told VALUES (?, ?, ?)", (name, waiting.key, _text(now)))
        self._db.execute(
            "UPDATE known SET awaits_end = ? WHERE lane = ? AND alert = ?",
            (newest.state is State.PENDING, name, str(newest.id)),
        )

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with _explained(self._path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with _explained(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # not after a full disk: SQLite has taken it back by itself
                    self._db.execute("ROLLBACK")
                raise


def depth(ask: Callable[..., list[tuple[Any, ...]]], name: str) -> Depth:
    """Return what is still to be told in a lane, by a way to ask its queue."""
    ((alerts, oldest),) = ask("SELECT total(alerts), min(first_at) FROM waiting WHERE lane = ?", name)
    outgoing = [
        Dispatch.model_validate_json(body)
        for (body,) in ask("SELECT body FROM outgoing WHERE lane = ?", name)
    ]
    times = [item.first_at for each in outgoing for item in each.items]
    times += [] if oldest is None else [datetime.fromisoformat(oldest)]
    count = int(float(alerts)) + sum(each.count for each in outgoing)
    return Depth(len(outgoing), count, min(times, default=None))


def look(path: Path, names: Iterable[str]) -> dict[str, tuple[Depth, Trouble | None]]:
    """Return what is still to be told and what fails, of a queue that another process may use.

    Raise `QueueError` where it can't be read; where there is none, nothing is.
    """
    if not path.exists():
        return {}
    with _explained(path):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)
        try:

            def ask(query: str, *values: object) -> list[tuple[Any, ...]]:
                return database.execute(query, values).fetchall()

            found = dict[str, tuple[Depth, Trouble | None]]()
            for name in names:
                rows = ask("SELECT since, why, told FROM trouble WHERE lane = ?", name)
                fails = [Trouble(datetime.fromisoformat(since), why, bool(told)) for since, why, told in rows]
                found[name] = depth(ask, name), fails[0] if fails else None
            return found
        finally:
            database.close()


def _waiting(key: str, item: str, ready_at: str) -> Waiting:
    return Waiting(key, Item.model_validate_json(item), datetime.fromisoformat(ready_at))


def _text(at: datetime) -> str:
    """Return a time, always in UTC and as long: as text it sorts as it does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _locked(path: Path) -> int:
    """Keep others from the queue until we end; raise `SettingsError` where one has it."""
    descriptor = os.open(path.with_name(f"{path.name}-lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SettingsError(f"{path}: another notifier tells what waits there; end it first") from None
    return descriptor


def _set_up(path: Path, database: sqlite3.Connection) -> None:
    (mark,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != _APPLICATION:
        raise SettingsError(f"{path}: is another program's database: name another file as 'queue'")
    if version > _VERSION:
        raise SettingsError(f"{path}: was written by a newer Vedette: install that one")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA secure_delete=ON")  # what people read is overwritten when it is told
    if not tables:
        database.executescript(
            f"BEGIN EXCLUSIVE; PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION};"
            f"{_SCHEMA} COMMIT;"
        )


@contextmanager
def _explained(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise QueueError(f"{path}: can't be written or read: {error}") from error
