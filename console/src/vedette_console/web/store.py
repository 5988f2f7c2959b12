"""The console's own database: accounts, sessions, tokens, what was done and tried in vain (SQLite, 0600)."""

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vedette_archive import chain
from vedette_schemas import SettingsError

from ..private import ours, private_folder

NAME = "console.db"

_VERSION = 2
_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    hash TEXT NOT NULL,         -- argon2id, with its own salt and cost
    once INTEGER NOT NULL,      -- 1: the password was made by us, and is good until another is chosen
    made_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    signed_in_at INTEGER
) STRICT;
CREATE TABLE sessions (
    secret BLOB PRIMARY KEY,    -- SHA-256
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    began_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_account ON sessions (account);
CREATE TABLE tokens (
    secret BLOB PRIMARY KEY,    -- SHA-256
    name TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE TABLE failures (
    name TEXT PRIMARY KEY,      -- an account's, whether there is one or not
    count INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_at ON failures (at);
"""


class Store:
    """An open database; for any thread, one at a time."""

    def __init__(self, folder: Path) -> None:
        """Open the database in `folder`, making both where they are not there.

        Raise `SettingsError` where that can't be, or others could read it.
        """
        self.path = folder / NAME
        try:
            private_folder(folder)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
            ours(self.path, secret=True)
        except OSError as error:
            raise SettingsError(f"{error.filename}: can't be opened: {error.strerror}") from None
        self._lock = threading.RLock()
        with self._explained():
            self._connection = sqlite3.connect(
                self.path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.execute("PRAGMA secure_delete = ON")
            self._prepare()

    def _prepare(self) -> None:
        with self.writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise SettingsError(f"{self.path}: was written by a newer Vedette: install that one")
            if version < 1:
                for statement in _SCHEMA.split(";\n"):
                    connection.execute(statement)
            if version < _VERSION:
                chain.create(connection)
                connection.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Ask within the block; nobody else of this process does meanwhile."""
        with self._lock, self._explained():
            yield self._connection

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Do all that is within as one, or nothing of it; within another such block as a part of that."""
        with self._lock, self._explained():
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def write_if_possible(self, statement: str, values: tuple[object, ...]) -> None:
        """Write what is not needed to go on: on a full disk people still have to look."""
        with suppress(SettingsError), self.writing() as connection:
            connection.execute(statement, values)

    @contextmanager
    def apart(self) -> Generator[sqlite3.Connection]:
        """Ask by a connection of its own, as of one moment: what takes long holds nobody up."""
        with self._explained(), closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise SettingsError(f"{self.path}: can't be used: {error}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def to_number(at: datetime) -> int:
    """Return a time as it is stored: milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def to_time(number: int) -> datetime:
    """Return a time that was stored."""
    return datetime.fromtimestamp(number / 1000, UTC)
