"""Reading and verifying the audit of an archive."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from . import chain
from .auditing import digest_of
from .chain import AuditQuery, AuditRow, Head
from .errors import explained
from .verifying import Fault, Verified, verify

_MOST_FAULTS = 100
_ACTS = (
    "SELECT r.number, a.id, r.who = a.issuer AND r.what = 'act.' || a.kind AND r.words = a.words, "
    "json_extract(r.facts, '$.token'), a.token FROM audit r "
    "JOIN acts a ON a.id = json_extract(r.facts, '$.act') WHERE r.what GLOB 'act.*' ORDER BY r.number"
)
_COMMANDS = (
    "SELECT r.number, c.id, r.what = 'command.' || c.action, json_extract(r.facts, '$.order'), c.body "
    "FROM audit r JOIN commands c ON c.id = r.about WHERE r.what GLOB 'command.*' ORDER BY r.number"
)


def verify_all(connection: sqlite3.Connection, noted: Iterable[Head] = ()) -> Verified:
    """Return what is wrong with an archive's chain; where it is whole, whether acts and commands agree."""
    found = verify(connection, noted)
    if found.faults:
        return found
    return found._replace(faults=tuple(islice(_disagreements(connection), _MOST_FAULTS)))


def _disagreements(connection: sqlite3.Connection) -> Iterator[Fault]:
    for what, query in (("act", _ACTS), ("command", _COMMANDS)):
        for number, name, agrees, stood, stands in connection.execute(query):
            if not agrees or digest_of(str(stands)) != stood:
                yield Fault(number, f"{what} {name} is not what row {number} says of it")


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
        """Return what is wrong, with the acts and commands as well; `noted` are heads noted elsewhere."""
        with explained(self._path):
            self._connection.execute("BEGIN")  # one snapshot, however much is written meanwhile
            try:
                return verify_all(self._connection, noted)
            finally:
                self._connection.execute("ROLLBACK")
