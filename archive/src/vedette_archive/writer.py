"""The one who writes: a transaction is committed as a whole and safe on disk when it is left."""

import secrets
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from .books import Books
from .errors import explained
from .indexing import anything_to_index, index_words, merge_words
from .opening import PATIENCE, open_to_write
from .retention import STEP, Retention, anything_expired, remove_expired
from .rows import Batch, Stored
from .times import to_number

_BEGIN = "INSERT INTO epochs (epoch, began_at) VALUES (?, ?)"
_COUNT = "UPDATE epochs SET commits = commits + 1 WHERE epoch = ?"
# Of two writers, the one that committed last stands for all that was committed until now.
_NEWEST = "UPDATE archive SET epoch = ?1 WHERE epoch IS NOT ?1"


class Writer:
    """Writes to an archive, from one thread at a time; a second writer, in another process, waits.

    `epoch` is the name of this opening, never used before; `name` is the archive's own.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open or make the archive; wait `patience` seconds for another writer, here and later."""
        self._path = path
        self.epoch = secrets.token_hex(8)
        self._connection = open_to_write(path, patience=patience)
        try:
            with explained(path):
                self.name = str(self._connection.execute("SELECT name FROM archive").fetchone()[0])
            with self._committing():
                pass
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Generator[Books]:
        """Give the books to read and write, and commit what was written: all of it, or nothing on an error.

        Raise an `ArchiveError` with nothing of it stored: the same can be written again.
        """
        with self._committing():
            yield Books(self._connection, self._path)

    def store(self, batch: Batch) -> Stored:
        """Commit a batch and tell what of it was new; what is settled already is passed over."""
        with self.transaction() as books:
            return books.store(batch)

    def remove_expired(self, retention: Retention, now: datetime, *, step: int = STEP) -> int:
        """Remove some of what is older than `retention` keeps it; 0 says that nothing is left to remove."""
        with explained(self._path):
            if not anything_expired(self._connection, retention, now):
                return 0
        with self._committing():
            return remove_expired(self._connection, retention, now, step)

    def index_words(self, arrivals: int) -> int:
        """Index the words of some arrivals, which are found without that, but slower; 0: all are indexed."""
        with explained(self._path):
            if not anything_to_index(self._connection):
                return 0
        with self._committing():
            return index_words(self._connection, arrivals)

    def merge_words(self, pages: int, *, anew: bool) -> bool:
        """Bring words that were removed nearer to being gone from the file; tell whether there is more to do.

        It is some milliseconds for 16 pages; `anew` begins with all of the index.
        """
        with self._committing():
            return merge_words(self._connection, pages, anew=anew)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _committing(self) -> Generator[None]:
        """Commit what is written meanwhile and count that; the first commit begins the epoch, at 0."""
        with explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                if not self._connection.execute(_COUNT, (self.epoch,)).rowcount:
                    self._connection.execute(_BEGIN, (self.epoch, to_number(datetime.now(UTC))))
                self._connection.execute(_NEWEST, (self.epoch,))
                self._connection.execute("COMMIT")
            except BaseException:
                _roll_back(self._connection)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    """End the transaction; SQLite has done so itself after some errors."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
