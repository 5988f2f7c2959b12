"""Verifies an archive: the file itself, and that streams, counts and commands agree."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import ArchiveDamagedError, explained
from .opening import open_to_read

_MANY = 20
"""Lines of one rule beyond which the rest is not spelled out."""


class _Rule(NamedTuple):
    """A sentence with places for a row of `query`; each row is something wrong."""

    sentence: str
    query: str


# ruff: noqa: S608 - the queries are put together from words of this file alone
_STREAM = "s.principal || ' ' || s.spool || ' ' || s.kind"
_RULES = (
    _Rule(
        "stream {}: its ranges hold {}, the tables {} observations and {} unreadable items; {} have expired",
        f"""
        SELECT {_STREAM}, claimed, held, raw, s.expired FROM streams s JOIN (
            SELECT id,
                (SELECT ifnull(sum(last - first + 1), 0) FROM ranges
                    WHERE stream_id = id AND fate = 'archived') AS claimed,
                (SELECT count(*) FROM observations WHERE stream_id = id) AS held,
                (SELECT count(*) FROM unreadable WHERE stream_id = id) AS raw
            FROM streams) USING (id)
        WHERE claimed <> held + raw + s.expired""",
    ),
    _Rule(
        "stream {}: observation {} is there, but its ranges don't say so",
        f"""
        SELECT {_STREAM}, o.number FROM observations o JOIN streams s ON s.id = o.stream_id
        WHERE NOT EXISTS (SELECT 1 FROM ranges r WHERE r.stream_id = o.stream_id AND r.fate = 'archived'
            AND o.number BETWEEN r.first AND r.last)""",
    ),
    _Rule(
        "stream {}: the ranges {} from {} and from {} touch",
        f"""
        SELECT {_STREAM}, a.fate, a.first, b.first FROM ranges a
        JOIN ranges b ON b.stream_id = a.stream_id AND b.fate = a.fate AND b.first > a.first
            AND b.first <= a.last + 1
        JOIN streams s ON s.id = a.stream_id""",
    ),
    _Rule(
        "stream {}: closed, but not final",
        f"SELECT {_STREAM} FROM streams s WHERE closed AND NOT final",
    ),
    _Rule(
        "command {}: answered by an outcome that was never archived",
        """
        SELECT c.id FROM commands c WHERE c.number IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM ranges r WHERE r.stream_id = c.stream_id AND r.fate = 'archived'
            AND c.number BETWEEN r.first AND r.last)""",
    ),
    _Rule(
        "command {}: it ended ({}) without an outcome",
        "SELECT id, ending FROM commands WHERE ending <> 'expired' AND number IS NULL",
    ),
    _Rule(
        "alert {}: it waits for command {}, which has ended or is not known",
        """
        SELECT a.id, a.command_id FROM alerts a WHERE a.state = 'pending' AND NOT EXISTS (
            SELECT 1 FROM commands c WHERE c.id = a.command_id AND c.ending IS NULL)""",
    ),
)


def check(path: Path) -> list[str]:
    """Return what is wrong with an archive, a sentence each; nothing if all is well.

    It reads the whole file. Raise `ArchiveError` where it can't even be opened.
    """
    connection = open_to_read(path)
    try:
        with explained(path):
            connection.execute("BEGIN")  # one snapshot, however much is written meanwhile
            return _damage(connection) or [*_disagreements(connection)]
    except ArchiveDamagedError as error:
        return [str(error)]
    finally:
        connection.close()


def _damage(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite itself finds: where the file is damaged, its rows say nothing."""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MANY})")]
    lines = [f"the file is damaged: {line}" for text in found if text != "ok" for line in text.splitlines()]
    orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(_MANY)
    return lines + [f"a row of {table} belongs to a stream that is not there" for table, *_ in orphans]


def _disagreements(connection: sqlite3.Connection) -> Iterator[str]:
    for rule in _RULES:
        rows = connection.execute(rule.query).fetchmany(_MANY + 1)
        for row in rows[:_MANY]:
            yield rule.sentence.format(*row)
        if len(rows) > _MANY:
            yield "… and more of this sort"
