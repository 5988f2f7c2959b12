"""What the receiver asks of the archive: the books about streams, kept beside the observations."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from vedette_schemas import Position, Stream

from .ranges import NOTHING, Ranges


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A stream as the archive knows it.

    All below `floor` is settled for good: archived, dropped or missing, and counted as that. `archived`
    is what is archived from there on. `next` is the highest next number told, once `final` the end. `ordinal`
    is 0 as long as no heartbeat told of the stream; `untold` counts heartbeats in a row that left it out.
    `went_back` is the end that was last found to contradict what is known.
    Below `doubtful`, what is missing was lost with a former life of the archive.
    """

    floor: int = 1
    archived: Ranges = NOTHING
    next: int = 1
    ordinal: int = 0
    final: bool = False
    closed: bool = False
    vanished: bool = False
    untold: int = 0
    went_back: int = 0
    doubtful: int = 1

    @property
    def settled(self) -> Ranges:
        """What is not to be archived any more."""
        return Ranges.span(1, self.floor - 1) | self.archived

    @property
    def known(self) -> int:
        """The next number by all that is known."""
        return max(self.next, self.floor, self.archived.highest + 1)


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """A sender as the archive knows it: the last heartbeat of each opening, newest opening first.

    `lost` are the positions it was acked at that this archive does not have, once they are dealt with.
    """

    beats: tuple[tuple[str, int], ...] = ()
    lost: tuple[Position, ...] = ()


class Ledger(Protocol):
    """The archive's books, as they stand now: another analyzer may have written since the last look.

    Whoever writes a `Reconciled` reads for it in the same transaction. Whoever commits a batch keeps, in
    the same transaction, what is neither below the floor nor archived, adds it to `archived`, and counts
    one more commit in its epoch.
    """

    @property
    def position(self) -> Position:
        """The epoch that this opening of the archive began, and how many commits it has made in it."""
        ...

    def stream(self, stream: Stream) -> StreamRecord:
        """Return what is known of a stream: of a new one, a record as it is made."""
        ...

    def streams_due(self, principal: str) -> Iterable[Stream]:
        """Return the known streams of a sender that are neither closed nor vanished."""
        ...

    def sender(self, principal: str) -> SenderRecord:
        """Return what is known of a sender."""
        ...

    def commits(self, epoch: str) -> int | None:
        """Return how many commits the archive has of this epoch; `None` if it does not know it."""
        ...

    def is_known_lost(self, epoch: str) -> bool:
        """Tell whether an `ArchiveWentBack` that names this epoch was archived."""
        ...
