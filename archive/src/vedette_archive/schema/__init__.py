"""The archive's tables. Times are microseconds since 1970, names of things are as the messages have them.

A change here goes with a migration in `migrations/versions` and a new `HEAD`.
"""

from .audited import audit, audit_ends
from .common import metadata
from .delivered import (
    archive,
    epochs,
    forgotten,
    lost_epochs,
    observations,
    ranges,
    senders,
    streams,
    unreadable,
)
from .history import HOUR, alert_words, arrival_hours, arrival_words, arrivals, rollups
from .incidents import incident_alerts, incident_hosts, incident_lines, incident_steps, incidents
from .judged import acts, alerts, commands, deaths, findings, followers
from .suppressed import hidden, suppressions

HEAD = "0005"
"""The newest migration. Revisions are numbered, so that a newer one than known is recognised as such."""

APPLICATION_ID = 0x56454454  # "VEDT"
"""What marks a SQLite file as an archive of ours (PRAGMA application_id)."""

__all__ = [
    "APPLICATION_ID",
    "HEAD",
    "HOUR",
    "acts",
    "alert_words",
    "alerts",
    "archive",
    "arrival_hours",
    "arrival_words",
    "arrivals",
    "audit",
    "audit_ends",
    "commands",
    "deaths",
    "epochs",
    "findings",
    "followers",
    "forgotten",
    "hidden",
    "incident_alerts",
    "incident_hosts",
    "incident_lines",
    "incident_steps",
    "incidents",
    "lost_epochs",
    "metadata",
    "observations",
    "ranges",
    "rollups",
    "senders",
    "streams",
    "suppressions",
    "unreadable",
]
