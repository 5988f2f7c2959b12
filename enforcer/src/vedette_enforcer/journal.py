"""The journal: what was ordered, written before it is done; the live entries are what is in force.

It is a file of its own, and each commit is on the disk before the act: undoing rests on it. More than one
program may use it at a time: `vedette-enforcer release` does while the enforcer runs.
"""

import contextlib
import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from vedette_schemas import Block, Isolate, SettingsError, VedetteError

from .clock import Clock, Now

MOST_LIVE = 4_096
KEPT = timedelta(days=31)
"""What is over, and what was undone before it came: no command lives longer than a day."""
_MOST_TOMBSTONES = 10_000
_PATIENCE = 5.0
_MARK, _VERSION = 0x5664_4A72, 1  # VdJr
_FILES = ("", "-wal", "-shm")

_SCHEMA = """
CREATE TABLE entry (
    id TEXT PRIMARY KEY, command TEXT NOT NULL, state TEXT NOT NULL, taken_at TEXT NOT NULL,
    expires_at TEXT NOT NULL, boot TEXT NOT NULL, ends REAL NOT NULL, over_at TEXT
) WITHOUT ROWID;
CREATE INDEX live ON entry (state) WHERE state IN ('planned', 'in force');
CREATE TABLE tombstone (id TEXT PRIMARY KEY, undone_at TEXT NOT NULL) WITHOUT ROWID;
"""

Act = Block | Isolate
_ACT: TypeAdapter[Act] = TypeAdapter(Act)


class JournalError(VedetteError):
    """The journal can't be used: nothing may be done that could not be undone."""


class State(StrEnum):
    """How an entry stands. `planned` and `in force` are live; `released`: undone at the host's console."""

    PLANNED = "planned"
    IN_FORCE = "in force"
    UNDONE = "undone"
    RELEASED = "released"
    EXPIRED = "expired"
    FAILED = "failed"


class Entry(NamedTuple):
    """An act that is or was in force. `ends` is in seconds since the system started, of this start.

    `over_at` is when it was undone, released, over or given up.
    """

    id: UUID
    act: Act
    state: State
    taken_at: datetime
    expires_at: datetime
    ends: float
    over_at: datetime | None = None


class Journal:
    """The journal's file, opened. For one thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open it, made where there is none; set a damaged one aside."""
        self._clock = clock
        self.set_aside: Path | None = None
        self._live: tuple[int, list[Entry]] | None = None
        try:
            self._connection = _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise JournalError(f"{path}: can't be used: {error}") from None
            self.set_aside = _set_aside(path)
            with _explained():
                self._connection = _open(path)
        with _explained():
            self._move_to_this_boot(clock())
            self._forget_old(clock().time)
            self._tombstones = {UUID(id_) for (id_,) in self._all("SELECT id FROM tombstone")}

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def plan(self, id_: UUID, act: Act, taken_at: datetime) -> Entry:
        """Write down, before it is done, what is to be done; raise `JournalError` where that can't be."""
        now = self._clock()
        expires_at = taken_at + timedelta(seconds=act.ttl_seconds)
        entry = Entry(id_, act, State.PLANNED, taken_at, expires_at, now.uptime + act.ttl_seconds)
        with self._writing():
            ((live,),) = self._all("SELECT count(*) FROM entry WHERE state IN ('planned', 'in force')")
            if live >= MOST_LIVE:
                raise JournalError(f"{MOST_LIVE} acts are in force, and more are not kept")
            self._connection.execute(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
                (
                    str(id_),
                    act.model_dump_json(),
                    entry.state,
                    taken_at.isoformat(),
                    expires_at.isoformat(),
                    now.boot,
                    entry.ends,
                ),
            )
        return entry

    def set_state(self, state: State, *ids: UUID) -> None:
        """Say how live entries stand from now on; one that is over stays so."""
        over_at = None if state in (State.PLANNED, State.IN_FORCE) else self._clock().time.isoformat()
        with self._writing():
            self._connection.executemany(
                "UPDATE entry SET state = ?, over_at = ? WHERE id = ? AND state IN ('planned', 'in force')",
                [(state, over_at, str(id_)) for id_ in ids],
            )

    def bury(self, id_: UUID) -> None:
        """Leave a tombstone: what comes later under this id is refused."""
        now = self._clock().time
        with self._writing():
            self._connection.execute(
                "INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (str(id_), now.isoformat())
            )
            self._connection.execute(
                "DELETE FROM tombstone WHERE id IN"
                " (SELECT id FROM tombstone ORDER BY undone_at DESC LIMIT -1 OFFSET ?)",
                (_MOST_TOMBSTONES,),
            )
        self._tombstones.add(id_)

    def is_buried(self, id_: UUID) -> bool:
        """Tell whether it was undone before it came. May be asked by any thread."""
        return id_ in self._tombstones

    def entry(self, id_: UUID) -> Entry | None:
        """Return what is known of an act."""
        with _explained():
            return next(self._entries("WHERE id = ?", str(id_)), None)

    def live(self) -> list[Entry]:
        """Return what is to be in force, those that end first first. Read only where it has changed."""
        version = self.version()
        if self._live is None or self._live[0] != version:
            with _explained():
                found = list(self._entries("WHERE state IN ('planned', 'in force') ORDER BY ends, id"))
            self._live = version, found
        return self._live[1]

    def released(self) -> list[Entry]:
        """Return what was released at the host's own console, as long as it is remembered."""
        with _explained():
            return list(self._entries("WHERE state = 'released' ORDER BY over_at, id"))

    def expire(self) -> list[Entry]:
        """Mark as expired whatever has had its time; return those."""
        now = self._clock().uptime
        over = [entry for entry in self.live() if entry.ends <= now]
        if over:
            self.set_state(State.EXPIRED, *(entry.id for entry in over))
        return over

    def version(self) -> int:
        """Return a number that is another one when another program has written to the journal."""
        with _explained():
            ((version,),) = self._all("PRAGMA data_version")
        return int(version)

    def _entries(self, where: str, *values: str) -> Iterator[Entry]:
        columns = "id, command, state, taken_at, expires_at, ends, over_at"
        for id_, act, state, taken_at, expires_at, ends, over_at in self._all(
            f"SELECT {columns} FROM entry {where}",  # noqa: S608 (the words are ours)
            *values,
        ):
            yield Entry(
                UUID(id_),
                _ACT.validate_json(act),
                State(state),
                datetime.fromisoformat(taken_at),
                datetime.fromisoformat(expires_at),
                ends,
                None if over_at is None else datetime.fromisoformat(over_at),
            )

    def _move_to_this_boot(self, now: Now) -> None:
        """Reckon what was begun before the system was started anew by the calendar, once."""
        with self._writing():
            rows = self._all(
                "SELECT id, expires_at, command FROM entry"
                " WHERE state IN ('planned', 'in force') AND boot != ?",
                now.boot,
            )
            for id_, expires_at, act in rows:
                left = (datetime.fromisoformat(expires_at) - now.time).total_seconds()
                left = max(0.0, min(left, _ACT.validate_json(act).ttl_seconds))
                self._connection.execute(
                    "UPDATE entry SET boot = ?, ends = ? WHERE id = ?", (now.boot, now.uptime + left, id_)
                )

    def _forget_old(self, now: datetime) -> None:
        oldest = (now - KEPT).astimezone(UTC).isoformat()
        with self._writing():
            self._connection.execute("DELETE FROM entry WHERE over_at < ?", (oldest,))
            self._connection.execute("DELETE FROM tombstone WHERE undone_at < ?", (oldest,))

    def _all(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Generator[None]:
        with _explained():
            self._connection.execute("BEGIN IMMEDIATE")
            self._live = None
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def _explained() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise JournalError(f"the journal can't be used: {error}") from None


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SettingsError(f"{path}: can't be made: {error.strerror}; set another 'journal'") from None
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _set_up(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_up(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-512")
    connection.execute("BEGIN IMMEDIATE")
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > _VERSION:
        raise SettingsError(f"{path}: was written by a newer Vedette: install that one")
    if tables and mark != _MARK:
        raise sqlite3.DatabaseError("it is another program's database")
    if not tables:
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_MARK}")
        connection.execute(f"PRAGMA user_version={_VERSION}")
    connection.execute("COMMIT")
    ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _set_aside(path: Path) -> Path:
    where = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in _FILES:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{where}{suffix}")
    return where
