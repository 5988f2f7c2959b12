"""Tables of what came of it: findings, commands, acts, alerts, and who follows them."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from .common import Number, metadata

findings = Table(
    "findings",
    metadata,
    Column("stream_id", Integer, ForeignKey("streams.id"), primary_key=True),
    Column("number", Number, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("judged_at", Number, nullable=False),
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
    Column("issued_at", Number, nullable=False),
    Column("expires_at", Number, nullable=False),
    Column("body", Text, nullable=False),
    Column("act", Text),
    Column("waits", Integer, nullable=False, server_default="0"),
    Column("indicator", Text),
    Column("ordered_by", Text),
    Column("ending", Text),
    Column("ended_at", Number),
    Column("stream_id", Integer, ForeignKey("streams.id")),
    Column("number", Number),
    Column("until", Number),
    Column("undone_by", Text),
    Column("undone_at", Number),
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
    Column("at", Number, nullable=False),
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
    Column("at", Number, nullable=False),
    Column("host", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("command_id", Text),
    Column("body", Text, nullable=False),
    Column("indicator", Text, Computed("json_extract(body, '$.match.value')", persisted=False)),
    Column("kind", Text, Computed("json_extract(body, '$.origin.kind')", persisted=False)),
    UniqueConstraint("id"),
    Index("alerts_of_host", "host", "sequence"),
    Index("alerts_by_time", "at", "id", "host", "severity", "detector", "indicator", "kind"),
    Index("alerts_of_host_by_time", "host", "at", "id", "severity", "detector", "kind"),
    sqlite_autoincrement=True,  # a sequence is never used twice, not even after its row is gone
)
"""Alerts as they were told. `sequence` rises with each write, changes too: who follows it misses nothing.

Indices: the last of a host; searching, which reads bodies only of what it finds; retention.
"""

Index(
    "alerts_of_indicator",
    alerts.c.indicator,
    alerts.c.at,
    alerts.c.id,
    sqlite_where=alerts.c.indicator.is_not(None),
    postgresql_where=alerts.c.indicator.is_not(None),
)

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
    Column("sequence", Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How far each of those has come who follow the alerts and keep their place here."""

deaths = Table(
    "deaths",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("spool", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("number", Number, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("at", Number, nullable=False),
    sqlite_with_rowid=False,
)
"""How often the analyzer died at an observation, and when last; gone once the observation is archived."""
