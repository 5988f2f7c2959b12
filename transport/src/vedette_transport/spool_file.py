"""A spool's file: made private, opened for one program alone, set aside where it is damaged."""

import errno
import os
import sqlite3
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import SettingsError

from .delivery import SpoolDamagedError, SpoolFullError

_APPLICATION = 0x5664_5370  # VdSp
_VERSION = 1
_PATIENCE = 2.0
"""Seconds: the program before may not be quite gone."""

_WAL_BYTES = 4 * 2**20
_WAL_PAGES = 4_000
_MOST_SET_ASIDE = 3
_FILES = ("", "-wal", "-shm")

_SCHEMA = """
CREATE TABLE meta (ordinal INTEGER NOT NULL, heard TEXT NOT NULL, principal TEXT NOT NULL);
INSERT INTO meta VALUES (0, '[]', '');
CREATE TABLE stream (
    id INTEGER PRIMARY KEY, spool TEXT NOT NULL, kind TEXT NOT NULL, ordinal INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 1, dropped TEXT NOT NULL DEFAULT '[]', UNIQUE (spool, kind)
);
-- Its stream and number in one: with such a key SQLite fills its pages better than with two columns.
CREATE TABLE item (place INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, item BLOB NOT NULL);
CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""

_ROOM = 2**20
"""Bytes: more than a spool grows by between two of its checkpoints."""

_CANT_WRITE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class Ballast:
    """Room on the disk that is kept beside a spool, and given up where there is no other.

    SQLite needs room to let go of anything, and the spool itself may be what the disk is full of.
    """

    def __init__(self, path: Path | None) -> None:
        """Keep it beside the spool at `path`; none, if that is in memory."""
        self._path = None if path is None else path.with_name(f"{path.name}-room")
        self.is_kept = False
        self.keep()

    def keep(self) -> None:
        """Take the room, if there is as much."""
        if self.is_kept:
            return
        try:
            if self._path is not None:
                _fill(self._path)
            self.is_kept = True
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Leave the room to the spool."""
        if self._path is not None:
            self.is_kept = False
            with suppress(OSError):
                self._path.unlink()


def open_file(path: Path) -> sqlite3.Connection:
    """Open the spool at `path`, made where there is none; nobody else can until it is closed.

    Raise `SettingsError` where the settings are to blame.
    """
    _make_private(path)
    with explained(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    try:
        with explained(path):
            _set_up(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def claim(path: Path, connection: sqlite3.Connection, principal: str) -> None:
    """Mark a new spool as `principal`'s.

    Another's counts as damaged: what it holds would be told, and missed, under the wrong name.
    """
    with explained(path):
        rows = connection.execute("SELECT principal FROM meta").fetchall()
    if len(rows) != 1:
        raise SpoolDamagedError("it does not say whose it is")
    owner = rows[0][0]
    if not owner:
        with suppress(SpoolFullError), explained(path):
            connection.execute("UPDATE meta SET principal = ?", (principal,))
    elif owner != principal:
        raise SpoolDamagedError(f"it is that of {owner}")


def in_memory() -> sqlite3.Connection:
    """Open a spool that no disk is needed for."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _make(connection)
    return connection


@contextmanager
def explained(path: Path, *, reading: bool = False) -> Generator[None]:
    """Say what SQLite's errors mean for a spool."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells kinds of it apart
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            why = "another program uses it: end that one, or set another 'spool'"
            raise SettingsError(f"{path}: {why}") from None
        if code in _CANT_WRITE and not reading:
            raise SpoolFullError(str(error)) from error
        raise SpoolDamagedError(str(error)) from error


def set_aside(path: Path) -> Path:
    """Rename what is at `path`; return where it lies now. Of such files only a few are kept."""
    where = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in _FILES:
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{where}{suffix}")
    old = sorted(path.parent.glob(f"{path.name}.damaged-*Z"))[:-_MOST_SET_ASIDE]
    for each in old:
        for suffix in _FILES:
            with suppress(OSError):  # a folder stays: we made none
                Path(f"{each}{suffix}").unlink()
    return where


def _make_private(path: Path) -> None:
    """Make the file readable by its owner alone; SQLite gives its -wal and -shm the same rights."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # its rights are not ours to change
                raise SettingsError(f"{path}: is a device or a pipe; set another 'spool'")
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except IsADirectoryError as error:
        raise SpoolDamagedError("it is a folder") from error
    except ValueError as error:
        raise SettingsError(f"{str(path)!r}: can't be made: {error}; set another 'spool'") from None
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise SpoolFullError(str(error.strerror)) from error
        raise SettingsError(f"{path}: can't be made: {error.strerror}; set another 'spool'") from None


def _fill(path: Path) -> None:
    """Write it out: a file with holes takes no room."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        if os.fstat(descriptor).st_size < _ROOM:
            file.write(bytes(_ROOM))


def _set_up(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # before anything is read: so no -shm is needed
    connection.execute("PRAGMA auto_vacuum=NONE")
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and mark != _APPLICATION:
        raise SpoolDamagedError("it is another program's database")
    if version > _VERSION:
        raise SettingsError(f"{path}: was written by a newer Vedette: install that one")
    connection.execute("PRAGMA journal_mode=WAL")
    # It survives any end of the program. After a power cut the last may be gone: no name is used again.
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA secure_delete=ON")  # what people copied is overwritten when it is deleted
    connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES}")
    connection.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES}")
    connection.execute("PRAGMA cache_size=-1024")
    if not tables:
        _make(connection)
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    ((found,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise SpoolDamagedError(str(found))


def _make(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN EXCLUSIVE; PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION};"
        f"{_SCHEMA} COMMIT;"
    )
