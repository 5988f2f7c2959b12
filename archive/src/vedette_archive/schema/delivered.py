"""Tables of what came: the archive itself, streams and their numbers, observations."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from .common import Number, metadata

archive = Table(
    "archive",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("created_at", Number, nullable=False),
    Column("epoch", Text),
    Column("indexed", Number, nullable=False, server_default="0"),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the random name that cursors carry, drawn when the archive was made; the last commit's epoch;
the last arrival whose words are indexed.
"""

epochs = Table(
    "epochs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("commits", Number, nullable=False, server_default="0"),
    Column("began_at", Number, nullable=False),
    UniqueConstraint("epoch"),
    sqlite_autoincrement=True,
)
"""A row for each opening by a writer, in order, under a name drawn anew, and how often it has committed.

An archive that was restored from a back-up lacks the last epochs, or the last commits of one: acks say
where they were given, so that senders can tell.
"""

lost_epochs = Table(
    "lost_epochs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("epoch", Text, nullable=False),
    UniqueConstraint("epoch"),
    sqlite_autoincrement=True,
)
"""Epochs that senders know and this archive does not: what was said of them is said once."""

senders = Table(
    "senders",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("life", Text),
    Column("heard_at", Number),
    Column("beats", Text, nullable=False, server_default="[]"),
    Column("lost", Text, nullable=False, server_default="[]"),
    Column("told", Text),
    sqlite_with_rowid=False,
)
"""Programs as they were last heard, and what the protocol knows of them (`SenderRecord`, as JSON).

`told` is what the last heartbeat said, as JSON: the program's version, its facts, how many it holds.
"""

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("spool", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("floor", Number, nullable=False, server_default="1"),
    Column("next", Number, nullable=False, server_default="1"),
    Column("ordinal", Number, nullable=False, server_default="0"),
    Column("final", Integer, nullable=False, server_default="0"),
    Column("closed", Integer, nullable=False, server_default="0"),
    Column("vanished", Integer, nullable=False, server_default="0"),
    Column("untold", Number, nullable=False, server_default="0"),
    Column("went_back", Number, nullable=False, server_default="0"),
    Column("doubtful", Number, nullable=False, server_default="1"),
    Column("declared", Number, nullable=False, server_default="0"),
    Column("expired", Number, nullable=False, server_default="0"),
    Column("over_at", Number),
    UniqueConstraint("principal", "spool", "kind"),
    Index("streams_of_host", "host"),
)
"""A stream as the protocol knows it (`StreamRecord`), and what the archive itself reckons with.

Rows of other tables say `stream_id`: a small number instead of three names. `declared` is the highest
number ever declared lost: beyond it nothing need be taken back. `expired` counts the rows that retention
has removed. `over_at` is when its sender last spoke of it as closed, or was found to have forgotten it.
The index finds what a host ever sent.
"""

Index(
    "streams_due",
    streams.c.principal,
    sqlite_where=text("closed = 0 AND vanished = 0"),
    postgresql_where=text("closed = 0 AND vanished = 0"),
)  # read with each heartbeat: however many streams are over, it holds the others alone

Index(
    "streams_over",
    streams.c.kind,
    streams.c.over_at,
    sqlite_where=streams.c.over_at.is_not(None),
    postgresql_where=streams.c.over_at.is_not(None),
)  # retention

ranges = Table(
    "ranges",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("fate", Text, primary_key=True),
    Column("first", Number, primary_key=True),
    Column("last", Number, nullable=False),
    sqlite_with_rowid=False,
)
"""What became of a stream's numbers, as few ranges: archived, dropped, missing or lost, each one of these.

A row for a healthy stream, however long, and it outlives the observations. Ranges of one fate never touch,
so the key finds the one before a number at once.
"""

forgotten = Table(
    "forgotten",
    metadata,
    Column("fate", Text, primary_key=True),
    Column("numbers", Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How many numbers of each fate were in streams that retention has removed as a whole: they still count."""

observations = Table(
    "observations",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("number", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("received_at", Number, nullable=False),
    Column("body", Text, nullable=False),
    Index("observations_by_kind", "kind", "received_at"),
    sqlite_with_rowid=False,
)
"""Observations as JSON, as they were read, clustered on their identity: each stream appends to one place.

One index, rising at one place a kind: retention goes by it, and the last window for detectors.
It is on `received_at`, the server's clock, since what must be gone after a week can't rest on a host's
word. The host stands in the stream.
"""

unreadable = Table(
    "unreadable",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("number", Number, primary_key=True),
    Column("received_at", Number, nullable=False),
    Column("reason", Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("unreadable_by_time", "received_at"),
    sqlite_with_rowid=False,
)
"""Items of valid reports that could not be read: the beginning of each as it came, and its whole length."""
