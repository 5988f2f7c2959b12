"""Reading and verifying the audit of an archive."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from . import chain
from .chain import AuditQuery, AuditRow, Head
from .errors import explained
from .verifying import Verified, verify


class Audit:
    """What operators and programs did, as the archive has it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Read through `connection`; `path` is what errors name."""
        self._connection, self._path = connection, path

    @property
    def head(self) -> Head:
        """The last row's number and hash; 0 and nothing of an audit without rows."""
        with explained(self._path):
            return chain.head(self._connection)

    def rows(self, query: AuditQuery | None = None, limit: int = 100) -> list[AuditRow]:
        """Return the newest rows that are asked for, newest first."""
        with explained(self._path):
            return chain.rows(self._connection, query, limit)

    def verify(self, noted: Iterable[Head] = ()) -> Verified:
        """Return what is wrong with the chain; `noted` are heads of it that were noted elsewhere."""
        with explained(self._path):
            self._connection.execute("BEGIN")  # one snapshot, however much is written meanwhile
            try:
                return verify(self._connection, noted)
            finally:
                self._connection.execute("ROLLBACK")
