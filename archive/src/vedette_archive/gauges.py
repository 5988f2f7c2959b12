"""What a monitoring program asks of an archive: few figures, read in one go."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from .errors import explained
from .opening import open_to_read

_PATIENCE = 1.0

_HELD = "SELECT principal, json_extract(told, '$[2]') AS held FROM senders WHERE held > 0 ORDER BY held DESC"
_LOST = (
    "SELECT s.host, r.fate, total(r.last - r.first + 1) AS lost FROM ranges r "
    "JOIN streams s ON s.id = r.stream_id WHERE r.fate <> 'archived' "
    "GROUP BY s.host, r.fate ORDER BY lost DESC"
)


class Gauges(NamedTuple):
    """How an archive stands, and what its hosts told.

    `held` is how many observations wait in each program's spool, `lost` how many of each host were never
    archived, by fate: the largest of each. `held_by_all` and `lost_by_all` are sums over all hosts. `behind`
    is how many alerts are archived and not published, `suppressions` how many are not over.
    """

    programs: dict[str, int]
    held: tuple[tuple[str, int], ...]
    held_by_all: int
    lost: tuple[tuple[str, str, int], ...]
    lost_by_all: dict[str, int]
    open_commands: int
    behind: int
    suppressions: int


def read_gauges(path: Path, follower: str, most: int) -> Gauges:
    """Read them; `most` hosts are named. Raise `ArchiveError` where that can't be."""
    with explained(path), closing(open_to_read(path, patience=_PATIENCE)) as connection:
        connection.execute("BEGIN")  # all of them as of one time
        (held_by_all,) = _one(connection, f"SELECT total(held) FROM ({_HELD})")  # noqa: S608
        lost_by_all = connection.execute(
            f"SELECT fate, total(lost) FROM ({_LOST}) GROUP BY fate"  # noqa: S608
        ).fetchall()
        (told,) = _one(connection, "SELECT total(seq) FROM sqlite_sequence WHERE name = 'alerts'")
        (published,) = _one(connection, "SELECT total(sequence) FROM followers WHERE name = ?", follower)
        (open_commands,) = _one(connection, "SELECT count(*) FROM commands WHERE ending IS NULL")
        (suppressions,) = _one(connection, "SELECT count(*) FROM suppressions WHERE ended_at IS NULL")
        return Gauges(
            programs=dict(
                connection.execute("SELECT life, count(*) FROM senders WHERE life IS NOT NULL GROUP BY life")
            ),
            held=tuple(connection.execute(f"{_HELD} LIMIT ?", (most,))),
            held_by_all=int(held_by_all),
            lost=tuple(
                (host, fate, int(lost))
                for host, fate, lost in connection.execute(f"{_LOST} LIMIT ?", (most,))
            ),
            lost_by_all={fate: int(lost) for fate, lost in lost_by_all},
            open_commands=int(open_commands),
            behind=max(0, int(told) - int(published)),
            suppressions=int(suppressions),
        )


def _one(connection: sqlite3.Connection, query: str, *values: object) -> tuple[float, ...]:
    row: tuple[float, ...] = connection.execute(query, values).fetchone()
    return row
