"""The queue's file: made private, for one notifier alone."""

import fcntl
import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from vedette_schemas import SettingsError, VedetteError

_APPLICATION = 0x5664_4E71  # VdNq
_VERSION = 1
PATIENCE = 5.0
_SCHEMA = """
CREATE TABLE follower (
    id INTEGER PRIMARY KEY CHECK (id = 1), archive TEXT NOT NULL, sequence INTEGER NOT NULL, since TEXT
);
CREATE TABLE known (
    lane TEXT NOT NULL, alert TEXT NOT NULL, at TEXT NOT NULL, told TEXT,
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


def open_queue(path: Path) -> tuple[sqlite3.Connection, int]:
    """Open the queue at `path`, or make it; return it, and what is to be closed to let others have it.

    Raise `SettingsError` where that can't be.
    """
    try:
        lock = _locked(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor), suppress(PermissionError):  # another's file
            os.fchmod(descriptor, 0o600)  # it may have come out of a backup
    except OSError as error:
        raise SettingsError(f"{path}: can't be opened: {error.strerror}") from None
    try:
        database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        _set_up(path, database)
    except sqlite3.Error as error:
        raise SettingsError(
            f"{path}: can't be used ({error}): move it away; what it held is not told then"
        ) from None
    return database, lock


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
    if (said := database.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(str(said).splitlines()[-1])
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA secure_delete=ON")  # what people read is overwritten when it is told
    if not tables:
        database.executescript(
            f"BEGIN EXCLUSIVE; PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION};"
            f"{_SCHEMA} COMMIT;"
        )


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite raises into a `QueueError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise QueueError(f"{path}: can't be written or read: {error}") from error
