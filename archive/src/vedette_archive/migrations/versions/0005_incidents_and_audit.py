"""Incidents, and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TRIGGERS = (
    "CREATE TRIGGER audit_in_order BEFORE INSERT ON audit "
    "WHEN new.number IS NOT (SELECT number + 1 FROM audit_ends) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is written in order'); END",
    "CREATE TRIGGER audit_end AFTER INSERT ON audit "
    "BEGIN UPDATE audit_ends SET number = new.number, hash = new.hash; END",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit "
    "WHEN old.number > (SELECT cut FROM audit_ends) "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_ends_forward BEFORE UPDATE ON audit_ends "
    "WHEN new.number < old.number OR new.cut < old.cut OR new.cut > new.number "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    "CREATE TRIGGER audit_ends_stay BEFORE DELETE ON audit_ends "
    "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
)


def upgrade() -> None:
    """Make the tables; what was told and done before belongs to no incident and is not in the audit."""
    _incidents()
    _lines()
    _hosts()
    _members()
    _steps()
    _audit()


def _number(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, NUMBER, server_default=default, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _text(name: str, *, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _some_text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=True)


def _incidents() -> None:
    op.create_table(
        "incidents",
        _count("number"),
        _text("id"),
        _some_text("host"),
        _some_text("indicator"),
        _number("opened_at"),
        _number("last_at"),
        _number("takes_until"),
        _number("ends_at"),
        _text("severity"),
        _count("score"),
        _text("status"),
        _text("owner"),
        _count("hosts"),
        _count("lines"),
        _count("alerts"),
        _count("reopened"),
        _text("summary"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("incidents_by_status", "incidents", ["status", "score", "number"], unique=False)
    op.create_index("incidents_by_time", "incidents", ["last_at"], unique=False)
    op.create_index("incidents_of_host", "incidents", ["host", "takes_until"], unique=False)
    op.create_index("incidents_of_indicator", "incidents", ["indicator", "takes_until"], unique=False)


def _lines() -> None:
    op.create_table(
        "incident_lines",
        _count("incident"),
        _text("key"),
        _text("host"),
        _text("severity"),
        _text("detector"),
        _some_text("indicator"),
        _text("summary"),
        _count("count"),
        _number("first_at"),
        _number("last_at"),
        _text("alert_id"),
        sa.PrimaryKeyConstraint("incident", "key"),
        sqlite_with_rowid=False,
    )


def _hosts() -> None:
    op.create_table(
        "incident_hosts",
        _text("host"),
        _count("incident"),
        sa.PrimaryKeyConstraint("host", "incident"),
        sqlite_with_rowid=False,
    )
    op.create_index("hosts_of_incident", "incident_hosts", ["incident"], unique=False)


def _members() -> None:
    op.create_table(
        "incident_alerts",
        _text("alert_id"),
        _count("incident"),
        _text("key"),
        _number("at"),
        sa.PrimaryKeyConstraint("alert_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("alerts_of_incident", "incident_alerts", ["incident", "at"], unique=False)
    op.create_index("incident_alerts_by_time", "incident_alerts", ["at"], unique=False)


def _steps() -> None:
    op.create_table(
        "incident_steps",
        _count("incident"),
        _count("step"),
        _number("at"),
        _text("who"),
        _text("status"),
        _text("owner"),
        _text("note"),
        sa.PrimaryKeyConstraint("incident", "step"),
        sqlite_with_rowid=False,
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        _number("at"),
        *(_text(name) for name in ("who", "what", "host", "about", "words", "facts", "before", "hash")),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_ends",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _number("cut", "0"),
        _text("cut_hash", default=""),
        _number("number", "0"),
        _text("hash", default=""),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)
    op.execute("INSERT INTO audit_ends (id) VALUES (1)")
