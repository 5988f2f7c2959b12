"""The audit's chain: rows in a SQLite database, of which each holds the hash of the one before.

It works on any connection whose database has the two tables (`create`). Writing belongs into a transaction
of the caller's, so that a deed and its row are committed together.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self, cast

from vedette_schemas import VedetteError

from .times import to_number, to_time

CUT = "audit.cut"
"""What a row says under which retention has cut the chain."""

_MOST_WORDS = 1_000
_COLUMNS = "number, at, who, what, host, about, words, facts, before, hash"
_INSERT = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own words


class HeadError(VedetteError):
    """A text that names no head of a chain."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is put down: when, who did what, on which host, about what (an id), in words, and the facts.

    `what` is two words with a dot between, as in `act.approve`. `facts` is what JSON can hold.
    """

    at: datetime
    who: str
    what: str
    words: str = ""
    host: str = ""
    about: str = ""
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class AuditRow(Entry):
    """A row as it stands in the chain; what somebody has changed may not be what was put down."""

    number: int = 0
    before: str = ""
    hash: str = ""


class Head(NamedTuple):
    """A row's number and hash: they stand for it and all before it. Written as `NUMBER:HASH`."""

    number: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; raise `HeadError` on anything else."""
        found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text.strip().lower())
        if found is None:
            raise HeadError("a head is written NUMBER:HASH, as 'vedette audit verify' and heartbeats tell it")
        return cls(int(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


def create(connection: sqlite3.Connection) -> None:
    """Make the tables and triggers of an empty chain; an archive has them by its migrations."""
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - only where there is something to make
    from sqlalchemy.schema import CreateTable  # noqa: PLC0415

    from .schema.audited import TRIGGERS, audit, audit_ends  # noqa: PLC0415

    for table in (audit, audit_ends):
        connection.execute(str(CreateTable(table).compile(dialect=sqlite.dialect())))
    for trigger in TRIGGERS:
        connection.execute(trigger)
    begin(connection)


def begin(connection: sqlite3.Connection) -> None:
    """Note that the chain is empty; tables without that take no row."""
    connection.execute("INSERT OR IGNORE INTO audit_ends (id) VALUES (1)")


def append(connection: sqlite3.Connection, entries: Iterable[Entry]) -> Head:
    """Add rows to the end within the caller's transaction; return the new head."""
    number, before = head(connection)
    rows: list[tuple[object, ...]] = []
    for entry in entries:
        number += 1
        content = (
            number,
            to_number(entry.at),
            _text(entry.who),
            _text(entry.what),
            _text(entry.host),
            _text(entry.about),
            _text(entry.words),
            json.dumps(entry.facts, separators=(",", ":"), sort_keys=True),
            before,
        )
        before = digest(content)
        rows.append((*content, before))
    connection.executemany(_INSERT, rows)
    return Head(number, before)


def head(connection: sqlite3.Connection) -> Head:
    """Return the last row's number and hash; 0 and nothing of a chain that has none yet."""
    row = connection.execute("SELECT number, hash FROM audit_ends").fetchone()
    return Head(*row) if row else Head(0, "")


def digest(content: tuple[object, ...]) -> str:
    """Return the hash of a row: all of its columns but the hash itself, as one JSON array in ASCII."""
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which rows are wanted: those for which all holds that is named.

    `what` is a whole name or its beginning up to the dot (`act`), `about` an id or its beginning, `text` a
    part of the words. `below` is the number below which to go on: the last of the page before.
    """

    since: datetime | None = None
    until: datetime | None = None
    who: str | None = None
    what: str | None = None
    host: str | None = None
    about: str | None = None
    text: str | None = None
    below: int | None = None


def rows(
    connection: sqlite3.Connection, wanted: AuditQuery | None = None, limit: int = 100
) -> list[AuditRow]:
    """Return the newest rows that are wanted, newest first."""
    where, values = _where(wanted or AuditQuery())
    query = f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY number DESC LIMIT {int(limit)}"  # noqa: S608
    with any_text(connection):
        return [_row(found) for found in connection.execute(query, values).fetchall()]


@contextmanager
def any_text(connection: sqlite3.Connection) -> Generator[None]:
    """Let texts be read that are no UTF-8: somebody who changes a row may write anything."""
    usual = connection.text_factory
    connection.text_factory = _decoded
    try:
        yield
    finally:
        connection.text_factory = usual


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def due(connection: sqlite3.Connection, before: datetime) -> bool:
    """Tell whether `cut` would do something."""
    return _cut_to(connection, before) is not None or _is_left(connection)


def cut(connection: sqlite3.Connection, before: datetime, now: datetime, step: int) -> int:
    """Remove up to `step` rows of before that time, within the caller's transaction; return how many.

    The chain then begins behind them: `audit_ends` has the last one's hash, and a row says so, which can't
    be made without being seen. It is cut a day at a time, so that such rows are few.
    """
    last = _cut_to(connection, before)
    if last is not None:
        said: dict[str, object] = {"number": last.number, "hash": last.hash}
        words = f"rows up to {last.number:,} are older than they are kept, and were removed"
        append(connection, [Entry(now, "retention", CUT, words, facts=said)])
        connection.execute("UPDATE audit_ends SET cut = ?, cut_hash = ?", last)
    old = "SELECT number FROM audit WHERE number <= (SELECT cut FROM audit_ends) ORDER BY number LIMIT ?"
    return connection.execute(f"DELETE FROM audit WHERE number IN ({old})", (step,)).rowcount  # noqa: S608


_DAY = 86_400 * 10**6


def _cut_to(connection: sqlite3.Connection, before: datetime) -> Head | None:
    """Return the last of the rows that are too old, if the first of them has been so for a day.

    A clock that was set back may have put older rows behind newer ones: those stay until these go.
    """
    limit = to_number(before)
    first = "SELECT at FROM audit WHERE number = (SELECT cut + 1 FROM audit_ends)"
    found = connection.execute(first).fetchone()
    if found is None or not isinstance(found[0], int) or found[0] >= limit - _DAY:
        return None
    kept = (
        "SELECT ifnull((SELECT number FROM audit WHERE number > cut AND at >= ? ORDER BY number LIMIT 1),"
        " number + 1) - 1 FROM audit_ends"
    )
    query = f"SELECT number, hash FROM audit WHERE number = ({kept})"  # noqa: S608 - our own words
    last = connection.execute(query, (limit,)).fetchone()
    return Head(*last) if last else None


def _is_left(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM audit WHERE number <= (SELECT cut FROM audit_ends) LIMIT 1"
    return bool(connection.execute(query).fetchall())


def _where(wanted: AuditQuery) -> tuple[str, list[object]]:
    """Return the condition for rows that are wanted and not cut off, and the values in it."""
    asked: dict[str, object] = {
        "at >= {}": None if wanted.since is None else to_number(wanted.since),
        "at < {}": None if wanted.until is None else to_number(wanted.until),
        "who = {}": wanted.who,
        "(what = {0} OR substr(what, 1, length({0}) + 1) = {0} || '.')": wanted.what,
        "host = {}": wanted.host,
        "substr(about, 1, length({0})) = lower({0})": wanted.about,
        "instr(lower(words), lower({}))": wanted.text,
        "number < {}": wanted.below,
    }
    said = {condition: value for condition, value in asked.items() if value is not None}
    conditions = [condition.format(f"?{number}") for number, condition in enumerate(said, 1)]
    return " AND ".join(["number > (SELECT cut FROM audit_ends)", *conditions]), [*said.values()]


def _row(found: tuple[Any, ...]) -> AuditRow:
    """Return a row as it can be shown, whatever somebody has made of it."""
    number, at, *texts, facts, before, own = found
    who, what, host, about, words = (str(text) for text in texts)
    try:
        when, said = to_time(at), json.loads(facts)
    except (TypeError, ValueError, OverflowError):
        when, said = to_time(0), None
    told = cast("dict[str, object]", said) if isinstance(said, dict) else {}
    return AuditRow(when, who, what, words, host, about, told, int(number), str(before), str(own))


def _text(text: str) -> str:
    """Return a text that SQLite can hold, not too long."""
    return text[:_MOST_WORDS].encode("utf-8", "replace").decode()
