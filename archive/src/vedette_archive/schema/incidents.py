"""Tables of incidents: alerts that belong together, where each stands, and whose it is."""

from sqlalchemy import Column, Index, Integer, Table, Text

from .common import Number, metadata

incidents = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("host", Text),
    Column("indicator", Text),
    Column("opened_at", Number, nullable=False),
    Column("last_at", Number, nullable=False),
    Column("takes_until", Number, nullable=False),
    Column("ends_at", Number, nullable=False),
    Column("severity", Text, nullable=False),
    Column("score", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("hosts", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("alerts", Integer, nullable=False),
    Column("reopened", Integer, nullable=False),
    Column("summary", Text, nullable=False),
    Index("incidents_of_host", "host", "takes_until"),
    Index("incidents_of_indicator", "indicator", "takes_until"),
    Index("incidents_by_status", "status", "score", "number"),
    Index("incidents_by_time", "last_at"),
    sqlite_autoincrement=True,
)
"""One row an incident: of one host, or with `host` empty of one indicator on several.

`indicator` is the one that all its alerts share, if they do. Alerts join until `takes_until`, which each
puts off, `ends_at` at the latest; both move when the server's clock is set.
"""

incident_lines = Table(
    "incident_lines",
    metadata,
    Column("incident", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("indicator", Text),
    Column("summary", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Number, nullable=False),
    Column("last_at", Number, nullable=False),
    Column("alert_id", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""What happened in an incident: repeats are one line with their count, `alert_id` is the newest of them."""

incident_hosts = Table(
    "incident_hosts",
    metadata,
    Column("host", Text, primary_key=True),
    Column("incident", Integer, primary_key=True),
    Index("hosts_of_incident", "incident"),
    sqlite_with_rowid=False,
)
"""Which hosts an incident is about."""

incident_alerts = Table(
    "incident_alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("incident", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("at", Number, nullable=False),
    Index("alerts_of_incident", "incident", "at"),
    Index("incident_alerts_by_time", "at"),
    sqlite_with_rowid=False,
)
"""Which incident an alert belongs to, and which line of it: one, for good."""

incident_steps = Table(
    "incident_steps",
    metadata,
    Column("incident", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("at", Number, nullable=False),
    Column("who", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("note", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""How an incident came to stand where it stands: what operators said of it, and when an alert reopened it."""
