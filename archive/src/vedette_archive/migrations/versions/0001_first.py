"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; none of an older schema can be there."""
    _archive()
    _epochs()
    _lost_epochs()
    _senders()
    _streams()
    _ranges()
    _forgotten()
    _observations()
    _unreadable()
    _findings()
    _commands()
    _acts()
    _alerts()
    _followers()
    _deaths()


def _number(name: str, default: int | None = None) -> sa.Column[int]:
    return sa.Column(name, NUMBER, server_default=None if default is None else str(default), nullable=False)


def _flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _of_a_stream() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["stream_id"], ["streams.id"])


def _stream_id() -> sa.Column[int]:
    return sa.Column("stream_id", sa.Integer(), nullable=False)


def _partial_index(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


def _archive() -> None:
    op.create_table(
        "archive",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _text("name"),
        _number("created_at"),
        sa.Column("epoch", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name="one_row"),
        sa.PrimaryKeyConstraint("id"),
    )


def _epochs() -> None:
    op.create_table(
        "epochs",
        sa.Column("number", sa.Integer(), nullable=False),
        _text("epoch"),
        _number("commits", 0),
        _number("began_at"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("epoch"),
        sqlite_autoincrement=True,
    )


def _lost_epochs() -> None:
    op.create_table(
        "lost_epochs",
        sa.Column("number", sa.Integer(), nullable=False),
        _text("epoch"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("epoch"),
        sqlite_autoincrement=True,
    )


def _senders() -> None:
    op.create_table(
        "senders",
        _text("principal"),
        _text("host"),
        sa.Column("life", sa.Text(), nullable=True),
        sa.Column("heard_at", NUMBER, nullable=True),
        sa.Column("beats", sa.Text(), server_default="[]", nullable=False),
        sa.Column("lost", sa.Text(), server_default="[]", nullable=False),
        sa.PrimaryKeyConstraint("principal"),
        sqlite_with_rowid=False,
    )


def _streams() -> None:
    op.create_table(
        "streams",
        sa.Column("id", sa.Integer(), nullable=False),
        _text("principal"),
        _text("host"),
        _text("spool"),
        _text("kind"),
        _number("floor", 1),
        _number("next", 1),
        _number("ordinal", 0),
        _flag("final"),
        _flag("closed"),
        _flag("vanished"),
        _number("untold", 0),
        _number("went_back", 0),
        _number("doubtful", 1),
        _number("declared", 0),
        _number("expired", 0),
        sa.Column("over_at", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("principal", "spool", "kind"),
    )
    op.create_index("streams_of_host", "streams", ["host"], unique=False)
    _partial_index("streams_due", "streams", ["principal"], "closed = 0 AND vanished = 0")
    _partial_index("streams_over", "streams", ["kind", "over_at"], "over_at IS NOT NULL")


def _ranges() -> None:
    op.create_table(
        "ranges",
        _stream_id(),
        _text("fate"),
        _number("first"),
        _number("last"),
        _of_a_stream(),
        sa.PrimaryKeyConstraint("stream_id", "fate", "first"),
        sqlite_with_rowid=False,
    )


def _forgotten() -> None:
    op.create_table(
        "forgotten",
        _text("fate"),
        _number("numbers"),
        sa.PrimaryKeyConstraint("fate"),
        sqlite_with_rowid=False,
    )


def _observations() -> None:
    op.create_table(
        "observations",
        _stream_id(),
        _number("number"),
        _text("kind"),
        _number("received_at"),
        _text("body"),
        _of_a_stream(),
        sa.PrimaryKeyConstraint("stream_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("observations_by_kind", "observations", ["kind", "received_at"], unique=False)


def _unreadable() -> None:
    op.create_table(
        "unreadable",
        _stream_id(),
        _number("number"),
        _number("received_at"),
        _text("reason"),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _of_a_stream(),
        sa.PrimaryKeyConstraint("stream_id", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("unreadable_by_time", "unreadable", ["received_at"], unique=False)


def _findings() -> None:
    op.create_table(
        "findings",
        _stream_id(),
        _number("number"),
        _text("key"),
        _number("judged_at"),
        _text("detector"),
        _text("severity"),
        _text("finding"),
        _text("action"),
        _text("verdict"),
        _of_a_stream(),
        sa.PrimaryKeyConstraint("stream_id", "number", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("findings_by_time", "findings", ["judged_at"], unique=False)


def _commands() -> None:
    op.create_table(
        "commands",
        _text("id"),
        _text("audience"),
        _text("action"),
        _number("issued_at"),
        _number("expires_at"),
        _text("body"),
        sa.Column("act", sa.Text(), nullable=True),
        _flag("waits"),
        sa.Column("indicator", sa.Text(), nullable=True),
        sa.Column("ordered_by", sa.Text(), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("ended_at", NUMBER, nullable=True),
        sa.Column("stream_id", sa.Integer(), nullable=True),
        sa.Column("number", NUMBER, nullable=True),
        sa.Column("until", NUMBER, nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_at", NUMBER, nullable=True),
        _flag("lifted"),
        sa.Column("undoes", sa.Text(), nullable=True),
        sa.CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended"),
        sa.CheckConstraint("(undone_by IS NULL) = (undone_at IS NULL)", name="undone"),
        _of_a_stream(),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("commands_by_time", "commands", ["issued_at"], unique=False)
    _partial_index("commands_open", "commands", ["audience"], "ending IS NULL")
    _partial_index("commands_of_stream", "commands", ["stream_id"], "stream_id IS NOT NULL")
    _partial_index("commands_lasting", "commands", ["until"], "until IS NOT NULL")
    _partial_index("commands_undoing", "commands", ["undoes"], "undoes IS NOT NULL")


def _acts() -> None:
    op.create_table(
        "acts",
        _text("id"),
        _text("issuer"),
        _number("at"),
        _text("kind"),
        sa.Column("done", sa.Integer(), nullable=False),
        _text("words"),
        sa.Column("command_id", sa.Text(), nullable=True),
        _text("token"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("acts_by_time", "acts", ["at"], unique=False)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("sequence", sa.Integer(), nullable=False),
        _text("id"),
        _text("state"),
        _number("at"),
        _text("host"),
        _text("severity"),
        _text("detector"),
        sa.Column("command_id", sa.Text(), nullable=True),
        _text("body"),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("alerts_by_time", "alerts", ["at"], unique=False)
    op.create_index("alerts_of_host", "alerts", ["host", "sequence"], unique=False)
    _partial_index("alerts_of_command", "alerts", ["command_id"], "command_id IS NOT NULL")


def _followers() -> None:
    op.create_table(
        "followers",
        _text("name"),
        _number("sequence"),
        sa.PrimaryKeyConstraint("name"),
        sqlite_with_rowid=False,
    )


def _deaths() -> None:
    op.create_table(
        "deaths",
        _text("principal"),
        _text("spool"),
        _text("kind"),
        _number("number"),
        sa.Column("count", sa.Integer(), nullable=False),
        _number("at"),
        sa.PrimaryKeyConstraint("principal", "spool", "kind", "number"),
        sqlite_with_rowid=False,
    )
