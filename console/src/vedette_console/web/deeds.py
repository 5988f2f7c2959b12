"""What was done at the console itself: a chain of rows, of which none can be changed unseen.

What leaves the console as an act stands in the archive's chain, by the analyzer. Here stands the rest: who
signed in, accounts, tokens, lists.
"""

from datetime import UTC, datetime, timedelta

from vedette_archive import AuditQuery, AuditRow, Entry, Head, chain
from vedette_archive.verifying import Verified, verify

from .store import Store

KEPT = timedelta(days=730)
_CUT_EACH, _MOST_CUT = 100, 1_000

COMMAND_LINE = "the command line"
"""Who did what was done by `vedette console`: whoever may write the console's folder."""


class Deeds:
    """The chain in the console's database."""

    def __init__(self, store: Store) -> None:
        """Keep it there."""
        self._store = store

    def note(self, who: str, what: str, words: str, *, about: str = "") -> None:
        """Put down what somebody did; within `Store.writing` it is written together with what it tells of."""
        now = datetime.now(UTC)
        with self._store.writing() as connection:
            head = chain.append(connection, [Entry(now, who, what, words, about=about)])
            if head.number % _CUT_EACH == 0:
                chain.cut(connection, now - KEPT, now, _MOST_CUT)

    def rows(self, query: AuditQuery, limit: int) -> list[AuditRow]:
        """Return the newest rows that are asked for, newest first."""
        with self._store.reading() as connection:
            return chain.rows(connection, query, limit)

    def verify(self) -> Verified:
        """Return what is wrong with the chain."""
        with self._store.apart() as connection:
            return verify(connection)

    @property
    def head(self) -> Head:
        """The last row's number and hash."""
        with self._store.reading() as connection:
            return chain.head(connection)
