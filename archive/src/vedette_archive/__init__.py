"""History: what was seen, found, told and ordered."""

from .books import Books
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
from .ledger import Ledger
from .query import Events, Query
from .reader import ArchivedObservation, Cursor, FollowedAlert, Heard, Reader
from .retention import Retention
from .rows import (
    MAX_UNREADABLE,
    Answer,
    Approved,
    ArchivedAct,
    ArchivedCommand,
    Batch,
    Counts,
    Ending,
    Fate,
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
    "Batch",
    "Books",
    "By",
    "Count",
    "Counts",
    "Cursor",
    "Ending",
    "Events",
    "Fate",
    "FollowedAlert",
    "Heard",
    "Hidden",
    "History",
    "Judged",
    "Ledger",
    "OpenCommand",
    "OtherArchiveError",
    "Page",
    "Place",
    "Query",
    "QueryError",
    "Reader",
    "Retention",
    "Run",
    "Stored",
    "Suppression",
    "SuppressionEnded",
    "SuppressionRecord",
    "Told",
    "Top",
    "Undone",
    "Writer",
    "check",
]
