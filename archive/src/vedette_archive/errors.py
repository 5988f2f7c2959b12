"""What can go wrong with an archive, each in one line that says what to do."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from vedette_schemas import VedetteError


class ArchiveError(VedetteError):
    """The archive can't be used; nothing of what was to be stored is stored."""


class ArchiveLockedError(ArchiveError):
    """Another program held the archive for too long: the same batch can be stored again later."""


class ArchiveFullError(ArchiveError):
    """The disk is full: the same batch can be stored again once there is room."""


class ArchiveDamagedError(ArchiveError):
    """The file is not, or no longer, a database."""


class QueryError(VedetteError):
    """What was asked of the archive makes no sense; the text says what of it."""


class OtherArchiveError(ArchiveError):
    """A cursor comes from another archive than this one, or from a later state of it."""


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turn what SQLite raises into an `ArchiveError` in words."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(path, error) from error
    except DBAPIError as error:
        raise _in_words(path, error.orig if isinstance(error.orig, sqlite3.Error) else error) from error


def damaged(path: Path, why: object) -> ArchiveDamagedError:
    """Return the error about a damaged file."""
    return ArchiveDamagedError(
        f"{path} is damaged ({why}): restore a backup, or move it away with its -wal and -shm files; "
        "a new one is made in its place"
    )


def _in_words(path: Path, error: Exception) -> ArchiveError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None  # the rest says where it happened
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ArchiveLockedError(f"{path} is locked by another program for longer than is waited for")
        case sqlite3.SQLITE_FULL:
            return ArchiveFullError(
                f"no room on the disk of {path}: make some; nothing more is archived until then"
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, error)
        case _:
            return ArchiveError(f"{path} can't be used: {error}")
