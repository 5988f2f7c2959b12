"""The words of observations: indexed behind the archive, a few arrivals at a time."""

import sqlite3

from .query import OBSERVATION_TEXTS
from .schema.history import texts

_TEXTS = texts("o.body", OBSERVATION_TEXTS)
# One statement: SQLite works without the interpreter's lock, which the judging thread wants.
_INDEX = (
    "INSERT INTO arrival_words (rowid, text) SELECT id, text FROM (SELECT a.id, ("  # noqa: S608 - our own words
    "SELECT group_concat(atom, char(10)) FROM (SELECT DISTINCT atom FROM observations o, "
    + _TEXTS.removeprefix("SELECT DISTINCT atom FROM ")
    + " AND o.stream_id = a.stream_id AND o.number BETWEEN a.first AND a.last)) AS text "
    "FROM arrivals a WHERE a.id > ?1 AND a.id <= ?2 ORDER BY a.id) WHERE text IS NOT NULL"
)
_MERGE = "INSERT INTO {0} ({0}, rank) VALUES ('merge', ?)"
_NEXT = (
    "SELECT indexed, (SELECT max(id) FROM (SELECT id FROM arrivals WHERE id > indexed ORDER BY id LIMIT ?)) "
    "FROM archive"
)


def index_words(connection: sqlite3.Connection, arrivals: int) -> int:
    """Index the words of that many arrivals at most within the open transaction; return how many it were."""
    indexed, last = connection.execute(_NEXT, (arrivals,)).fetchone()
    if last is None:
        return 0
    connection.execute(_INDEX, (indexed, last))
    connection.execute("UPDATE archive SET indexed = ?", (last,))
    return int(
        connection.execute(
            "SELECT count(*) FROM arrivals WHERE id > ? AND id <= ?", (indexed, last)
        ).fetchone()[0]
    )


def anything_to_index(connection: sqlite3.Connection) -> bool:
    """Tell whether there is something to index, without locking anybody out."""
    query = "SELECT 1 FROM arrivals WHERE id > (SELECT indexed FROM archive) LIMIT 1"
    return connection.execute(query).fetchone() is not None


def merge_words(connection: sqlite3.Connection, pages: int, *, anew: bool) -> bool:
    """Merge that many pages of what makes up each index, from its beginning if `anew`; tell if there is more.

    FTS5 marks what is removed; what it was is gone from the file only once all of the index is one part.
    """
    before = connection.total_changes
    for index in ("arrival_words", "alert_words"):
        connection.execute(_MERGE.format(index), (-pages if anew else pages,))
    return connection.total_changes - before > _UNCHANGED


_UNCHANGED = 2  # each statement counts as a change by itself
