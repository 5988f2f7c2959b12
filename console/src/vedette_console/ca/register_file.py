"""The register's file: it is made, opened, and brought up to date."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import SettingsError

from ..private import ours

NAME = "register.db"

_VERSION = 2
_WAIT_SECONDS = 10.0
_SCHEMA = """
CREATE TABLE tokens (
    secret BLOB PRIMARY KEY, -- SHA-256
    name TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY, -- hexadecimal: it has 160 bits
    principal TEXT NOT NULL,
    host TEXT NOT NULL,
    key BLOB NOT NULL,       -- SHA-256 of the public key
    token BLOB,              -- by which it was issued, if by one
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    replaced_at INTEGER,
    revoked_at INTEGER,
    pem TEXT NOT NULL
) STRICT;
CREATE INDEX certificates_principal ON certificates (principal, issued_at);
CREATE TABLE renewals (id BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX renewals_at ON renewals (at);
"""


def make(path: Path, now: datetime, fingerprint: str, by: str) -> None:
    """Make the register of a new CA, readable by nobody else; raise `SettingsError` where that can't be."""
    from .deeds import note  # noqa: PLC0415 (SQLAlchemy takes longer than all else here)

    path.touch(mode=0o600)
    with explained(path):
        connection = _connect(path)
        with transaction(connection):
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            _begin_chain(connection, now)
            note(connection, now, by, "ca.made", "a CA begins here", about=fingerprint)
        connection.close()


def opened(path: Path) -> sqlite3.Connection:
    """Open a register; raise `SettingsError` where it is not there, damaged, another's or a newer one's."""
    if not path.exists():
        raise SettingsError(f"{path}: is not there; restore it from a backup, or make a new CA elsewhere")
    ours(path, secret=True)
    with explained(path):
        connection = _connect(path)
        version = _version(connection)
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if not 0 < version <= _VERSION:
            raise SettingsError(f"{path}: is of version {version}, and this Vedette knows 1 to {_VERSION}")
        if state != "ok":
            raise SettingsError(f"{path}: is damaged ({state.splitlines()[-1]}); restore it from a backup")
        if version < _VERSION:
            with transaction(connection):
                if _version(connection) < _VERSION:  # nobody else has done it meanwhile
                    _begin_chain(connection, datetime.now(UTC))
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Do all that is within as one, or nothing of it; nobody else writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite raises into a `SettingsError` in words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise SettingsError(f"{path}: can't be used now ({error})") from None
    except sqlite3.DatabaseError as error:
        raise SettingsError(f"{path}: is damaged ({error}); restore it from a backup") from None


def _begin_chain(connection: sqlite3.Connection, now: datetime) -> None:
    from .deeds import begin  # noqa: PLC0415 (as above)

    begin(connection, now)
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
