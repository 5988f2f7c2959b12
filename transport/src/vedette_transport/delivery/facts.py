"""What reconciliation finds out: each becomes an alert, or a number that operators see."""

from dataclasses import dataclass

from vedette_schemas import Ranges, Stream


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sender's spool was full: it says that it dropped these, and they are lost."""

    stream: Stream
    numbers: Ranges


@dataclass(frozen=True, slots=True)
class Missing:
    """Nobody has these and nobody says why."""

    stream: Stream
    numbers: Ranges


@dataclass(frozen=True, slots=True)
class LostWithArchive:
    """These were archived, in a life of the archive that a restored back-up does not know."""

    stream: Stream
    numbers: Ranges


@dataclass(frozen=True, slots=True)
class Vanished:
    """Its sender does not know this stream any more.

    Of what was heard of, `missing` is not archived; what came after `after` is unknown.
    """

    stream: Stream
    missing: Ranges
    after: int


@dataclass(frozen=True, slots=True)
class WentBack:
    """A stream ends before what is known of it: its sender's disk was restored from a back-up, or copied."""

    stream: Stream
    next: int
    known: int


@dataclass(frozen=True, slots=True)
class ArchiveWentBack:
    """Senders were acked by a life of the archive that it does not know: it was restored or replaced."""

    epochs: tuple[str, ...]


Fact = Dropped | Missing | LostWithArchive | Vanished | WentBack | ArchiveWentBack
