"""History: what was seen, found, told and ordered."""

from .backing_up import back_up, restore
from .books import Books
from .chain import AuditQuery, AuditRow, Entry, Head, HeadError
from .charts import By, Count, Top
from .checking import check
from .errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveFullError,
    ArchiveLockedError,
    OtherArchiveError,
    QueryError,
)
from .history import History
from .incident_books import indicator_of, line_of
from .incident_rows import Grouped, Incident, Known, Line, Member, Step, Triaged
from .incidents import IncidentPage, IncidentPlace, IncidentQuery, Incidents
from .ledger import Ledger
from .query import Events, Query
from .reader import Reader
from .retention import Retention
from .rows import (
    MAX_UNREADABLE,
    Answer,
    Approved,
    ArchivedAct,
    ArchivedCommand,
    ArchivedObservation,
    Batch,
    Counts,
    Cursor,
    Ending,
    Fate,
    FollowedAlert,
    Heard,
    Judged,
    OpenCommand,
    Place,
    Run,
    Stored,
    Told,
    Undone,
)
from .searching import Page
from .suppressions import (
    ArchivedSuppression,
    Hidden,
    Suppression,
    SuppressionEnded,
    SuppressionRecord,
)
from .timeline import Moment, timeline
from .verifying import Fault, Verified
from .writer import Writer

__all__ = [
    "MAX_UNREADABLE",
    "Answer",
    "Approved",
    "ArchiveDamagedError",
    "ArchiveError",
    "ArchiveFullError",
    "ArchiveLockedError",
    "ArchivedAct",
    "ArchivedCommand",
    "ArchivedObservation",
    "ArchivedSuppression",
    "AuditQuery",
    "AuditRow",
    "Batch",
    "Books",
    "By",
    "Count",
    "Counts",
    "Cursor",
    "Ending",
    "Entry",
    "Events",
    "Fate",
    "Fault",
    "FollowedAlert",
    "Grouped",
    "Head",
    "HeadError",
    "Heard",
    "Hidden",
    "History",
    "Incident",
    "IncidentPage",
    "IncidentPlace",
    "IncidentQuery",
    "Incidents",
    "Judged",
    "Known",
    "Ledger",
    "Line",
    "Member",
    "Moment",
    "OpenCommand",
    "OtherArchiveError",
    "Page",
    "Place",
    "Query",
    "QueryError",
    "Reader",
    "Retention",
    "Run",
    "Step",
    "Stored",
    "Suppression",
    "SuppressionEnded",
    "SuppressionRecord",
    "Told",
    "Top",
    "Triaged",
    "Undone",
    "Verified",
    "Writer",
    "back_up",
    "check",
    "indicator_of",
    "line_of",
    "restore",
    "timeline",
]
