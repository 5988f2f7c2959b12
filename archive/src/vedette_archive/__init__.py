"""History: what was seen, found, told and ordered."""

from .books import Books
from .checking import check
from .errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveFullError,
    ArchiveLockedError,
    OtherArchiveError,
)
from .ledger import Ledger
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
    "Counts",
    "Cursor",
    "Ending",
    "Fate",
    "FollowedAlert",
    "Heard",
    "Hidden",
    "Judged",
    "Ledger",
    "OpenCommand",
    "OtherArchiveError",
    "Place",
    "Reader",
    "Retention",
    "Run",
    "Stored",
    "Suppression",
    "SuppressionEnded",
    "SuppressionRecord",
    "Told",
    "Undone",
    "Writer",
    "check",
]
