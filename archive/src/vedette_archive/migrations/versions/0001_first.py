"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; none of an older schema can be there."""
    op.create_table(
        "alerts",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", NUMBER, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("alerts_by_time", "alerts", ["at"], unique=False)
    op.create_index(
        "alerts_of_command",
        "alerts",
        ["command_id"],
        unique=False,
        sqlite_where=sa.text("command_id IS NOT NULL"),
        postgresql_where=sa.text("command_id IS NOT NULL"),
    )
    op.create_index("alerts_of_host", "alerts", ["host", "sequence"], unique=False)
    op.create_table(
        "archive",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("created_at", NUMBER, nullable=False),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("spool", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opening", NUMBER, nullable=True),
        sa.Column("next", NUMBER, server_default="0", nullable=False),
        sa.Column("final", sa.Integer(), server_default="0", nullable=False),
        sa.Column("closed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expired", NUMBER, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("principal", "spool", "kind"),
    )
    op.create_index("streams_of_host", "streams", ["host"], unique=False)
    op.create_table(
        "commands",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("issued_at", NUMBER, nullable=False),
        sa.Column("expires_at", NUMBER, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("stream_id", sa.Integer(), nullable=True),
        sa.Column("number", NUMBER, nullable=True),
        sa.CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended"),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["streams.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("commands_by_time", "commands", ["issued_at"], unique=False)
    op.create_index(
        "commands_open",
        "commands",
        ["audience"],
        unique=False,
        sqlite_where=sa.text("ending IS NULL"),
        postgresql_where=sa.text("ending IS NULL"),
    )
    op.create_table(
        "findings",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("judged_at", NUMBER, nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("finding", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["streams.id"],
        ),
        sa.PrimaryKeyConstraint("stream_id", "number", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("findings_by_time", "findings", ["judged_at"], unique=False)
    op.create_table(
        "observations",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("seen_at", NUMBER, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["streams.id"],
        ),
        sa.PrimaryKeyConstraint("stream_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("observations_by_kind", "observations", ["kind", "received_at"], unique=False)
    op.create_table(
        "ranges",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("fate", sa.Text(), nullable=False),
        sa.Column("first", NUMBER, nullable=False),
        sa.Column("last", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["streams.id"],
        ),
        sa.PrimaryKeyConstraint("stream_id", "fate", "first"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unreadable",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream_id"],
            ["streams.id"],
        ),
        sa.PrimaryKeyConstraint("stream_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("unreadable_by_time", "unreadable", ["received_at"], unique=False)
