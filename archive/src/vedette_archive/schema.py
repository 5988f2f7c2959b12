"""The archive's tables. Times are microseconds since 1970, names of things are as the messages have them.

A change here goes with a migration in `migrations/versions` and a new `HEAD`.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

HEAD = "0001"
"""The newest migration. Revisions are numbered, so that a newer one than known is recognised as such."""

APPLICATION_ID = 0x56454454  # "VEDT"
"""What marks a SQLite file as an archive of ours (PRAGMA application_id)."""

_Number = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

archive = Table(
    "archive",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("created_at", _Number, nullable=False),
    Column("epoch", Text),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the random name that cursors carry, drawn when the archive was made; the last commit's epoch."""

epochs = Table(
    "epochs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("commits", _Number, nullable=False, server_default="0"),
    Column("began_at", _Number, nullable=False),
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
    Column("heard_at", _Number),
    Column("beats", Text, nullable=False, server_default="[]"),
    Column("lost", Text, nullable=False, server_default="[]"),
    sqlite_with_rowid=False,
)
"""Programs as they were last heard, and what the protocol knows of them (`SenderRecord`, as JSON)."""

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("spool", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("floor", _Number, nullable=False, server_default="1"),
    Column("next", _Number, nullable=False, server_default="1"),
    Column("ordinal", _Number, nullable=False, server_default="0"),
    Column("final", Integer, nullable=False, server_default="0"),
    Column("closed", Integer, nullable=False, server_default="0"),
    Column("vanished", Integer, nullable=False, server_default="0"),
    Column("untold", _Number, nullable=False, server_default="0"),
    Column("went_back", _Number, nullable=False, server_default="0"),
    Column("doubtful", _Number, nullable=False, server_default="1"),
    Column("declared", _Number, nullable=False, server_default="0"),
    Column("expired", _Number, nullable=False, server_default="0"),
    Column("over_at", _Number),
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
    Column("first", _Number, primary_key=True),
    Column("last", _Number, nullable=False),
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
    Column("numbers", _Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How many numbers of each fate were in streams that retention has removed as a whole: they still count."""

observations = Table(
    "observations",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("number", _Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("received_at", _Number, nullable=False),
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
    Column("number", _Number, primary_key=True),
    Column("received_at", _Number, nullable=False),
    Column("reason", Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("unreadable_by_time", "received_at"),
    sqlite_with_rowid=False,
)
"""Items of valid reports that could not be read: the beginning of each as it came, and its whole length."""

findings = Table(
    "findings",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("number", _Number, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("judged_at", _Number, nullable=False),
    Column("detector", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("finding", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Index("findings_by_time", "judged_at"),
    sqlite_with_rowid=False,
)
"""What a detector found in an observation and the policy's one verdict on it, both as JSON.

A verdict has no row of its own: there is exactly one a finding, from the same judging.
"""

commands = Table(
    "commands",
    metadata,
    Column("id", Text, primary_key=True),
    Column("audience", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("issued_at", _Number, nullable=False),
    Column("expires_at", _Number, nullable=False),
    Column("body", Text, nullable=False),
    Column("act", Text),
    Column("waits", Integer, nullable=False, server_default="0"),
    Column("indicator", Text),
    Column("ordered_by", Text),
    Column("ending", Text),
    Column("ended_at", _Number),
    Column("stream_id", Integer, ForeignKey("streams.id")),
    Column("number", _Number),
    Column("until", _Number),
    Column("undone_by", Text),
    Column("undone_at", _Number),
    Column("lifted", Integer, nullable=False, server_default="0"),
    Column("undoes", Text),
    CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended"),
    CheckConstraint("(undone_by IS NULL) = (undone_at IS NULL)", name="undone"),
    Index("commands_by_time", "issued_at"),
    sqlite_with_rowid=False,
)
"""What enforcers were ordered to do, in the server's time, and how each ended.

An outcome is an observation of kind `outcome` and lies among them: `stream_id` and `number` say which
one answered. A command that expired or was withdrawn has an ending and no outcome. One that `waits` needs
an operator's approval. `until` is how long what was done lasts, or would have; an undo is a command of its
own, and `undoes` says which other it takes back; `lifted` says that the host has done so by itself.
`indicator` is what an undo mutes on that host. `act` is the operator's act that wanted it, as signed: it
travels with the command.
"""

Index(
    "commands_open",
    commands.c.audience,
    sqlite_where=commands.c.ending.is_(None),
    postgresql_where=commands.c.ending.is_(None),
)  # read with each heartbeat of an enforcer: it holds the open ones alone, however many there ever were

Index(
    "commands_of_stream",
    commands.c.stream_id,
    sqlite_where=commands.c.stream_id.is_not(None),
    postgresql_where=commands.c.stream_id.is_not(None),
)  # a stream is removed once no command rests on it

Index(
    "commands_lasting",
    commands.c.until,
    sqlite_where=commands.c.until.is_not(None),
    postgresql_where=commands.c.until.is_not(None),
)  # what is in force, and what is muted

Index(
    "commands_undoing",
    commands.c.undoes,
    sqlite_where=commands.c.undoes.is_not(None),
    postgresql_where=commands.c.undoes.is_not(None),
)  # whether a host has undone it

acts = Table(
    "acts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("at", _Number, nullable=False),
    Column("kind", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("command_id", Text),
    Column("token", Text, nullable=False),
    Index("acts_by_time", "at"),
    sqlite_with_rowid=False,
)
"""What operators wanted done by signed acts, each once, and what they were answered."""

alerts = Table(
    "alerts",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", _Number, nullable=False),
    Column("host", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("command_id", Text),
    Column("body", Text, nullable=False),
    UniqueConstraint("id"),
    Index("alerts_of_host", "host", "sequence"),
    Index("alerts_by_time", "at"),
    sqlite_autoincrement=True,  # a sequence is never used twice, not even after its row is gone
)
"""Alerts as they were told. `sequence` rises with each write, changes too: who follows it misses nothing.

Indices: the last of a host, retention.
"""

Index(
    "alerts_of_command",
    alerts.c.command_id,
    sqlite_where=alerts.c.command_id.is_not(None),
    postgresql_where=alerts.c.command_id.is_not(None),
)  # what an answer settles

followers = Table(
    "followers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sequence", _Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How far each of those has come who follow the alerts and keep their place here."""

deaths = Table(
    "deaths",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("spool", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", _Number, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", _Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How often the analyzer died at an observation, and when last; gone once the observation is archived."""
