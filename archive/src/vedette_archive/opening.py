"""Opening an archive: it is made where there is none, brought up to date, or refused in one line."""

import logging
import os
import secrets
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from .errors import ArchiveError, explained
from .schema import APPLICATION_ID, HEAD
from .times import to_number

PATIENCE = 10.0
"""Seconds to wait for another program that holds the archive."""

_WAL_BYTES = 64 * 2**20


def open_to_write(path: Path, *, patience: float = PATIENCE) -> sqlite3.Connection:
    """Open the archive at `path` with today's schema; raise `ArchiveError` where that can't be."""
    _make_private(path)
    with explained(path):
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        with explained(path):
            _refuse_strangers(path, connection)
            _set(connection, patience)
            _bring_up_to_date(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, *, patience: float = PATIENCE) -> sqlite3.Connection:
    """Open an archive that is there, for reading alone."""
    if not path.exists():
        raise ArchiveError(f"{path} is not there: no archive has been made yet")
    address = f"{path.absolute().as_uri()}?mode=ro"
    with explained(path):
        connection = sqlite3.connect(
            address, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
        )
    try:
        with explained(path):
            _refuse_strangers(path, connection)
            found = _revision(connection)
    except BaseException:
        connection.close()
        raise
    if found != HEAD:
        connection.close()
        raise _too_new(path, found) if found > HEAD else _too_old(path, found)
    return connection


def is_archive(path: Path) -> bool:
    """Tell by its beginning whether a file is an archive, of whatever version."""
    with path.open("rb") as file:
        header = file.read(72)
    return header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:], "big") == APPLICATION_ID


def _make_private(path: Path) -> None:
    """Make the file readable by its owner alone; SQLite gives its -wal and -shm the same rights."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ArchiveError(f"{path} can't be opened: {error.strerror}") from error


def _refuse_strangers(path: Path, connection: sqlite3.Connection) -> None:
    """Read the header and the schema: what is damaged there shows here."""
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and mark != APPLICATION_ID:
        raise ArchiveError(f"{path} is another program's database: name another file")


def _set(connection: sqlite3.Connection, patience: float) -> None:
    """Set what holds for this connection, and for a new file what stays with it."""
    # A new file's change to WAL fails at once where two programs begin it together, whatever the timeout.
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")  # what people copied is overwritten when it is deleted
    connection.execute("PRAGMA recursive_triggers=ON")  # an alert that is replaced is deleted first
    connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")


def _bring_up_to_date(path: Path, connection: sqlite3.Connection) -> None:
    found = _revision(connection)
    if found > HEAD:
        raise _too_new(path, found)
    if found == HEAD:
        return
    logging.getLogger("alembic").setLevel(logging.WARNING)  # what it loads and does is no news
    from .migrating import migration  # noqa: PLC0415 - 0.1 s and 15 MB: only where it is needed

    with migration(connection) as migrate:  # a second program waits here, and finds it done
        if _revision(connection) < HEAD:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            migrate()
        connection.execute(
            "INSERT OR IGNORE INTO archive (id, name, created_at) VALUES (1, ?, ?)",
            (secrets.token_hex(8), to_number(datetime.now(UTC))),
        )


def _revision(connection: sqlite3.Connection) -> str:
    """Return the number of the newest migration that the file has seen; empty for a new file."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if known is None:
        return ""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])


def _too_new(path: Path, found: str) -> ArchiveError:
    return ArchiveError(
        f"{path} was written by a newer Vedette (schema {found}, this one knows {HEAD}): install that one"
    )


def _too_old(path: Path, found: str) -> ArchiveError:
    return ArchiveError(
        f"{path} has schema {found or 'none'}, not {HEAD}: start the analyzer once, it brings it up to date"
    )
