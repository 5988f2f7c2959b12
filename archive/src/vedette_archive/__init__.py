"""History: what was seen, found, told and ordered."""

from .checking import check
from .errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveFullError,
    ArchiveLockedError,
    OtherArchiveError,
)
from .ranges import Range, Ranges
from .reader import ArchivedObservation, Counts, Cursor, FollowedAlert, Reader
from .retention import Retention
from .rows import (
    MAX_UNREADABLE,
    Answer,
    Batch,
    Ending,
    Judged,
    Observed,
    OpenCommand,
    Place,
    Run,
    Stored,
    Told,
    Unreadable,
)
from .writer import Writer

__all__ = [
    "MAX_UNREADABLE",
    "Answer",
    "ArchiveDamagedError",
    "ArchiveError",
    "ArchiveFullError",
    "ArchiveLockedError",
    "ArchivedObservation",
    "Batch",
    "Counts",
    "Cursor",
    "Ending",
    "FollowedAlert",
    "Judged",
    "Observed",
    "OpenCommand",
    "OtherArchiveError",
    "Place",
    "Range",
    "Ranges",
    "Reader",
    "Retention",
    "Run",
    "Stored",
    "Told",
    "Unreadable",
    "Writer",
    "check",
]
