"""The one who writes: a batch is committed as a whole and safe on disk when `store` returns."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import explained
from .ingest import StreamIds, Transaction
from .opening import PATIENCE, open_to_write
from .retention import STEP, Retention, anything_expired, remove_expired
from .rows import Batch, Stored

_MAX_IDS = 100_000


class Writer:
    """Writes to an archive, from one thread at a time; a second writer, in another process, waits."""

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        """Open or make the archive; wait `patience` seconds for another writer, here and later."""
        self._path = path
        self._connection = open_to_write(path, patience=patience)
        self._ids: StreamIds = {}
        with explained(path):
            self.epoch = str(self._connection.execute("SELECT epoch FROM archive").fetchone()[0])

    def store(self, batch: Batch) -> Stored:
        """Commit a batch and tell what of it was new.

        Raise an `ArchiveError` with nothing of it stored: the same batch can be stored again. What the
        archive holds already is passed over.
        """
        with self._transaction():
            return Transaction(self._connection, self._ids).store(batch)

    def remove_expired(self, retention: Retention, now: datetime, *, step: int = STEP) -> int:
        """Remove some of what is older than `retention` keeps it; 0 says that nothing is left to remove."""
        with explained(self._path):
            if not anything_expired(self._connection, retention, now):
                return 0
        with self._transaction():
            return remove_expired(self._connection, retention, now, step)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                self._ids.clear()  # the streams that this transaction made are gone with it
                _roll_back(self._connection)
                raise
        if len(self._ids) > _MAX_IDS:
            self._ids.clear()

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
