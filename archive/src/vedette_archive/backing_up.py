"""Backs an archive up while it is written to, and puts a backup in the place of an archive."""

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from .chain import Entry
from .checking import check
from .errors import ArchiveError, ArchiveFullError, ArchiveLockedError, explained
from .opening import is_archive, open_to_read
from .rows import Batch
from .writer import Writer

_PAGES = 2_000
"""Copied between two looks at how far it is: 8 MB."""

Progress = Callable[[float], None]


def _nobody(_share: float) -> None:
    pass


def back_up(path: Path, target: Path, progress: Progress = _nobody) -> None:
    """Copy the archive as it is now into one file, verify the copy, and only then let it be `target`.

    Tell `progress` which share of the work is done. Raise `ArchiveError` with nothing changed; what is at
    `target` is replaced if it is an archive.
    """
    if target.exists():
        if not target.is_file():
            raise ArchiveError(f"{target} is no file: name another one")
        if target.samefile(path):
            raise ArchiveError(f"{target} is the archive itself: name another file")
        if not is_archive(target):
            raise ArchiveError(f"{target} is there, and is no archive: name another file")
    with _new(target) as new:
        with closing(open_to_read(path)) as source, explained(target), closing(sqlite3.connect(new)) as copy:
            _copy(source, copy, lambda share: progress(share / 2))
        _refuse_unsound(new, f"the copy of {path}", lambda share: progress((1 + share) / 2))


def restore(backup: Path, path: Path, progress: Progress = _nobody, *, by: str) -> Path | None:
    """Put a backup in the place of an archive that nobody uses; return where that one lies now.

    A backup of an earlier schema is brought up to date, and its audit says from now on that it was restored,
    and `by` whom. Raise `ArchiveError` with nothing changed.
    """
    with _new(path) as new:
        with (
            closing(sqlite3.connect(_read_only(backup), uri=True)) as source,
            closing(sqlite3.connect(new)) as copy,
            explained(backup),
        ):
            if not source.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise ArchiveError(f"{backup} is empty: name a backup")
            _copy(source, copy, lambda share: progress(share / 2))
        try:
            with Writer(new) as writer:
                said = Entry(datetime.now(UTC), by, "archive.restored", f"from {backup.absolute()}")
                writer.store(Batch(audit=(said,)))
        except ArchiveError as error:
            raise ArchiveError(str(error).replace(str(new), str(backup))) from None
        _into_one_file(new)
        _refuse_unsound(new, str(backup), lambda share: progress((1 + share) / 2))
        return _moved_away(path)


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection, progress: Progress) -> None:
    def tell(_status: int, left: int, pages: int) -> None:
        progress(1 - left / max(1, pages))

    source.isolation_level = copy.isolation_level = None
    source.execute("BEGIN")  # without a snapshot, SQLite begins anew with each commit of somebody else
    source.execute("SELECT count(*) FROM sqlite_master").fetchall()
    source.backup(copy, pages=_PAGES, progress=tell)
    source.execute("ROLLBACK")
    copy.execute("PRAGMA journal_mode=DELETE")  # one file, and none beside it that could be forgotten


def _into_one_file(path: Path) -> None:
    """Take the log into the file; raise `ArchiveLockedError` while another program has it open."""
    with explained(path), closing(sqlite3.connect(path, isolation_level=None, timeout=0.5)) as connection:
        mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    if mode != "delete":
        raise ArchiveLockedError(f"{path} is in use")


def _refuse_unsound(path: Path, what: str, progress: Progress) -> None:
    wrong = check(path, progress)
    if wrong:
        raise ArchiveError(f"{what} is not sound, and is not used: {wrong[0].replace(str(path), what)}")


def _moved_away(path: Path) -> Path | None:
    if not path.exists():
        return None
    try:
        _into_one_file(path)
    except ArchiveLockedError:
        raise ArchiveLockedError(f"{path} is in use: stop the analyzer first") from None
    except ArchiveError:  # too damaged to be opened: it is moved with all that lies beside it
        pass
    aside = path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    for suffix in ("", "-wal", "-shm"):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            beside.rename(f"{aside}{suffix}")
    return aside


@contextmanager
def _new(target: Path) -> Generator[Path]:
    """Give a file beside `target` that takes its place when all went well, and is gone when not."""
    new = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise ArchiveError(f"{target} can't be written: {error.strerror}") from None
    try:
        yield new
        _flush(new)
        new.replace(target)
        _flush(target.parent)
    except ArchiveFullError:
        raise ArchiveFullError(f"no room on the disk of {target} for a copy: make some") from None
    except OSError as error:
        raise ArchiveError(f"{target} can't be written: {error.strerror}") from None
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{new}{suffix}").unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_only(path: Path) -> str:
    if not path.is_file():
        raise ArchiveError(f"{path} is not there, or no file")
    return f"{path.absolute().as_uri()}?mode=ro"
