"""Tables that history is found by: what arrived together, the words in it, how many alerts in each hour."""

from sqlalchemy import DDL, Column, ForeignKey, Index, Integer, Table, Text, column, event, table

from ..query import ALERT_TEXTS
from .common import Number, metadata

# ruff: noqa: S608 - the statements are put together from words of ours alone

HOUR = 3_600 * 10**6

arrivals = Table(
    "arrivals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream_id", Integer, ForeignKey("streams.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("received_at", Number, nullable=False),
    Column("first", Number, nullable=False),
    Column("last", Number, nullable=False),
    Index("arrivals_of_kind", "kind"),
    Index("arrivals_of_stream", "stream_id"),
    Index("arrivals_by_time", "kind", "received_at"),
    sqlite_autoincrement=True,
)
"""Numbers of a stream that were archived together: `id` rises in the order in which they were.

Each observation lies in exactly one. Indices end with the `id`: the newest of a kind, the newest of a
host's streams; and retention.
"""

arrival_hours = Table(
    "arrival_hours",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("first", Number, nullable=False),
    Column("last", Number, nullable=False),
)
"""The least and the greatest arrival that was received in an hour (of 1970): others may lie between."""

rollups = Table(
    "rollups",
    metadata,
    Column("dimension", Text, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, primary_key=True),
    Column("severity", Text, primary_key=True),
    Column("alerts", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""How many alerts there are of each hour by severity: of all (`value` is empty), of a host, a detector, an
indicator. Triggers keep it, so that it agrees with the alerts however these are written or removed.
"""

alert_words = table("alert_words", column("rowid"), column("alert_words"), column("text"))
"""The texts of alerts under their sequence (FTS5, trigrams)."""

arrival_words = table("arrival_words", column("rowid"), column("arrival_words"), column("text"))
"""The texts of observations under their arrival, each text of an arrival once (FTS5, trigrams).

It ends at `archive.indexed`: what came later is looked at itself.
"""


def texts(body: str, names: tuple[str, ...]) -> str:
    """Return the SQL of the table of distinct texts of those names in the JSON `body`."""
    # SQLite takes a NUL for the end of its text: whoever sends one must not hide what follows. A backslash
    # is written otherwise first, so that one before a "u0000" of letters is none.
    readable = f"replace(replace({body}, '\\\\', '\\u005c'), '\\u0000', '\\ufffd')"
    named = ", ".join(f"'{name}'" for name in names)
    return f"SELECT DISTINCT atom FROM json_tree({readable}) WHERE type = 'text' AND key IN ({named})"


_DIMENSIONS = (
    ("'all'", "''", "true"),
    ("'host'", "{0}.host", "true"),
    ("'detector'", "{0}.detector", "true"),
    ("'indicator'", "{0}.indicator", "{0}.indicator IS NOT NULL"),
)


def _counting(row: str, change: int) -> str:
    each = " UNION ALL ".join(
        f"SELECT {name}, {row}.at / {HOUR}, {value}, {row}.severity, {change} WHERE {where}"
        for name, value, where in ([part.format(row) for part in parts] for parts in _DIMENSIONS)
    )
    return f"INSERT INTO rollups {each} ON CONFLICT DO UPDATE SET alerts = alerts + excluded.alerts;"


def _forgetting(row: str) -> str:
    return " ".join(
        f"DELETE FROM rollups WHERE alerts = 0 AND dimension = {name} AND hour = {row}.at / {HOUR} "
        f"AND value = {value.format(row)} AND severity = {row}.severity;"
        for name, value, _ in _DIMENSIONS
    )


SQLITE = (
    "CREATE VIRTUAL TABLE alert_words USING fts5(text, tokenize='trigram')",
    "CREATE VIRTUAL TABLE arrival_words USING fts5(text, tokenize='trigram')",
    f"CREATE TRIGGER alerts_told AFTER INSERT ON alerts BEGIN {_counting('new', 1)} "
    f"INSERT INTO alert_words (rowid, text) SELECT new.sequence, group_concat(atom, char(10)) "
    f"FROM ({texts('new.body', ALERT_TEXTS)}); END",
    f"CREATE TRIGGER alerts_gone AFTER DELETE ON alerts BEGIN {_counting('old', -1)} {_forgetting('old')} "
    "DELETE FROM alert_words WHERE rowid = old.sequence; END",
    "CREATE TRIGGER arrivals_came AFTER INSERT ON arrivals BEGIN INSERT INTO arrival_hours "
    f"VALUES (new.received_at / {HOUR}, new.id, new.id) "
    "ON CONFLICT DO UPDATE SET first = min(first, new.id), last = max(last, new.id); END",
    "CREATE TRIGGER arrivals_gone AFTER DELETE ON arrivals BEGIN "
    "DELETE FROM arrival_words WHERE rowid = old.id; END",
)
"""What SQLite needs besides: the words, and triggers that keep words and roll-ups true.

A row that is replaced fires them, too (`recursive_triggers`).
"""

for _statement in SQLITE:
    event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
