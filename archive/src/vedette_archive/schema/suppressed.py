"""Tables of what operators suppressed, and what was hidden by that."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text

from .common import Number, metadata

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("host", Text),
    Column("detector", Text),
    Column("indicator", Text),
    Column("since", Number, nullable=False),
    Column("until", Number, nullable=False),
    Column("ended_by", Text),
    Column("ended_at", Number),
    Column("hidden", Number, nullable=False, server_default="0"),
    Column("last_hidden_at", Number),
    CheckConstraint("coalesce(host, detector, indicator) IS NOT NULL", name="scope"),
    Index("suppressions_by_time", "until"),
    sqlite_with_rowid=False,
)
"""What operators suppressed, each under the id of the act that wanted it.

It covers what all of `host`, `detector` and `indicator` hold for that are named. `until` moves when the
server's clock is set. `ended_at` says that it is over: lifted by `ended_by`, or, without one, because its
time was. `hidden` counts the alerts that it hid, kept or not.
"""

hidden = Table(
    "hidden",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("suppression_id", Text, nullable=False),
    Column("at", Number, nullable=False),
    Column("host", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("hidden_by_suppression", "suppression_id", "sequence"),
    Index("hidden_by_time", "at"),
    sqlite_autoincrement=True,
)
"""Alerts that nobody was told, as they would have been, and what hid them.

They are not among the alerts: whoever follows those can't come upon one.
"""
