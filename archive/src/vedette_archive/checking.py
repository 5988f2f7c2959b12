"""Verifies an archive: the file itself, and that its tables agree."""

import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from .audit import verify_all
from .errors import ArchiveDamagedError, explained
from .history_rules import HISTORY_RULES
from .incident_books import unreadable_incidents
from .incident_rules import INCIDENT_RULES
from .opening import open_to_read
from .rules import RULES

_MANY = 20
"""Lines of one rule beyond which the rest is not spelled out."""


def _nobody(_share: float) -> None:
    pass


def check(path: Path, progress: Callable[[float], None] = _nobody) -> list[str]:
    """Return what is wrong with an archive, a sentence each; nothing if all is well.

    It reads the whole file and tells `progress` which share of the work is done, from 0 to 1. Raise
    `ArchiveError` where it can't even be opened.
    """
    connection = open_to_read(path)
    try:
        with explained(path):
            connection.execute("BEGIN")  # one snapshot, however much is written meanwhile
            progress(0.0)
            damage = _damage(connection)
            return damage or [*_disagreements(connection, progress)]
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


def _disagreements(connection: sqlite3.Connection, progress: Callable[[float], None]) -> Iterator[str]:
    rules = RULES + HISTORY_RULES + INCIDENT_RULES
    for done, rule in enumerate(rules, 1):
        progress(done / (len(rules) + 1))
        rows = connection.execute(rule.query).fetchmany(_MANY + 1)
        for row in rows[:_MANY]:
            yield rule.sentence.format(*row)
        if len(rows) > _MANY:
            yield "… and more of this sort"
    yield from islice(unreadable_incidents(connection), _MANY)
    yield from (f"audit: {fault.words}" for fault in verify_all(connection).faults[:_MANY])
    progress(1.0)
