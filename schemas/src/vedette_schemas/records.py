"""What the archive's books say of streams and senders: the protocol reckons with it, the archive keeps it."""

from dataclasses import dataclass

from .ranges import NOTHING, Ranges
from .reports import Position


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
