"""What history is found by: arrivals, words, roll-ups."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# ruff: noqa: S608 - our own words
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_HOUR = "3600000000"
_DIMENSIONS = (
    ("'all'", "''", "true"),
    ("'host'", "{0}.host", "true"),
    ("'detector'", "{0}.detector", "true"),
    ("'indicator'", "{0}.indicator", "{0}.indicator IS NOT NULL"),
)
_TEXTS = (
    "SELECT DISTINCT atom FROM json_tree(replace(replace({0}.body, '\\\\', '\\u005c'), "
    "'\\u0000', '\\ufffd')) WHERE type = 'text' "
    "AND key IN ('summary', 'done', 'value', 'subject', 'comment', 'excerpt')"
)


def upgrade() -> None:
    """Make the tables and fill them from what is there; words of observations are indexed later."""
    op.add_column("archive", sa.Column("indexed", NUMBER, server_default="0", nullable=False))
    for name, path in (("indicator", "$.match.value"), ("kind", "$.origin.kind")):
        computed = sa.Computed(f"json_extract(body, '{path}')", persisted=False)
        op.add_column("alerts", sa.Column(name, sa.Text(), computed, nullable=True))
    _indices_of_alerts()
    _arrivals()
    _rollups()
    for name in ("alert_words", "arrival_words"):
        op.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(text, tokenize='trigram')")
    _triggers()
    _fill()


def _indices_of_alerts() -> None:
    op.drop_index("alerts_by_time", "alerts")
    wide = ["at", "id", "host", "severity", "detector", "indicator", "kind"]
    op.create_index("alerts_by_time", "alerts", wide, unique=False)
    of_host = ["host", "at", "id", "severity", "detector", "kind"]
    op.create_index("alerts_of_host_by_time", "alerts", of_host, unique=False)
    hit = sa.text("indicator IS NOT NULL")
    op.create_index(
        "alerts_of_indicator",
        "alerts",
        ["indicator", "at", "id"],
        unique=False,
        sqlite_where=hit,
        postgresql_where=hit,
    )


def _arrivals() -> None:
    op.create_table(
        "arrivals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("first", NUMBER, nullable=False),
        sa.Column("last", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["stream_id"], ["streams.id"]),
        sqlite_autoincrement=True,
    )
    op.create_index("arrivals_of_kind", "arrivals", ["kind"], unique=False)
    op.create_index("arrivals_of_stream", "arrivals", ["stream_id"], unique=False)
    op.create_index("arrivals_by_time", "arrivals", ["kind", "received_at"], unique=False)
    op.create_table(
        "arrival_hours",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", NUMBER, nullable=False),
        sa.Column("last", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("hour"),
    )


def _rollups() -> None:
    op.create_table(
        "rollups",
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("alerts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("dimension", "hour", "value", "severity"),
        sqlite_with_rowid=False,
    )


def _counting(row: str, change: int) -> str:
    each = " UNION ALL ".join(
        f"SELECT {name}, {row}.at / {_HOUR}, {value}, {row}.severity, {change} WHERE {where}"
        for name, value, where in ([part.format(row) for part in parts] for parts in _DIMENSIONS)
    )
    return f"INSERT INTO rollups {each} ON CONFLICT DO UPDATE SET alerts = alerts + excluded.alerts;"


def _forgetting(row: str) -> str:
    return " ".join(
        f"DELETE FROM rollups WHERE alerts = 0 AND dimension = {name} AND hour = {row}.at / {_HOUR} "
        f"AND value = {value.format(row)} AND severity = {row}.severity;"
        for name, value, _ in _DIMENSIONS
    )


def _triggers() -> None:
    op.execute(
        f"CREATE TRIGGER alerts_told AFTER INSERT ON alerts BEGIN {_counting('new', 1)} "
        "INSERT INTO alert_words (rowid, text) SELECT new.sequence, group_concat(atom, char(10)) "
        f"FROM ({_TEXTS.format('new')}); END"
    )
    op.execute(
        f"CREATE TRIGGER alerts_gone AFTER DELETE ON alerts BEGIN {_counting('old', -1)} "
        f"{_forgetting('old')} DELETE FROM alert_words WHERE rowid = old.sequence; END"
    )
    op.execute(
        "CREATE TRIGGER arrivals_came AFTER INSERT ON arrivals BEGIN INSERT INTO arrival_hours "
        f"VALUES (new.received_at / {_HOUR}, new.id, new.id) "
        "ON CONFLICT DO UPDATE SET first = min(first, new.id), last = max(last, new.id); END"
    )
    op.execute(
        "CREATE TRIGGER arrivals_gone AFTER DELETE ON arrivals BEGIN "
        "DELETE FROM arrival_words WHERE rowid = old.id; END"
    )


def _fill() -> None:
    op.execute(
        "INSERT INTO arrivals (stream_id, kind, received_at, first, last) "
        "SELECT stream_id, kind, received_at, min(number), max(number) FROM ("
        "SELECT stream_id, kind, received_at, number, number - row_number() OVER ("
        "PARTITION BY stream_id, received_at ORDER BY number) AS island FROM observations) "
        "GROUP BY stream_id, kind, received_at, island, number / 50 "
        "ORDER BY received_at, stream_id, min(number)"
    )
    for name, value, where in _DIMENSIONS:
        op.execute(
            f"INSERT INTO rollups SELECT {name}, a.at / {_HOUR}, {value.format('a')}, a.severity, count(*) "
            f"FROM alerts a WHERE {where.format('a')} GROUP BY 1, 2, 3, 4"
        )
    op.execute(
        "INSERT INTO alert_words (rowid, text) SELECT a.sequence, "
        f"(SELECT group_concat(atom, char(10)) FROM ({_TEXTS.format('a')})) FROM alerts a ORDER BY a.sequence"
    )
