"""What the CA did and who commands it: a chain of rows in its register, each written with its deed."""

import sqlite3
from datetime import datetime, timedelta

from vedette_archive import Entry, chain
from vedette_schemas import CA, Principal, Program

from ..lines import count

KEPT = timedelta(days=365)
_MOST_CUT = 10_000
_OF_NO_HOST = frozenset({Program.OPERATOR, Program.CONSOLE})


def begin(connection: sqlite3.Connection, now: datetime) -> None:
    """Begin the chain within the caller's transaction; where there are things already, it says how many."""
    chain.create(connection)
    before = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 (our own words)
        for table in ("certificates", "tokens")
    ]
    if any(before):
        older = f"{count(before[0], 'certificate')} and {count(before[1], 'token')}"
        words = f"what is done is put down from now on; older: {older}"
        chain.append(connection, [Entry(now, str(CA), "audit.began", words)])


def note(
    connection: sqlite3.Connection,
    now: datetime,
    who: str,
    what: str,
    words: str,
    *,
    about: str,
    host: str = "",
) -> None:
    """Put down what was done, within the transaction that does it."""
    chain.append(connection, [Entry(now, who, what, words, host=host, about=about)])


def host_of(name: str) -> str:
    """Return the host that a token's name or a principal's is about; nothing where that is a person's."""
    if "@" not in name:
        return name
    principal = Principal.parse(name)
    return "" if principal.program in _OF_NO_HOST else principal.host


def cut(connection: sqlite3.Connection, now: datetime) -> None:
    """Remove rows that are older than they are kept, within the caller's transaction."""
    chain.cut(connection, now - KEPT, now, _MOST_CUT)
