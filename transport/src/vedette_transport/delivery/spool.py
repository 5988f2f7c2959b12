"""What a sender asks of the place where observations wait to be archived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vedette_schemas import NOTHING, Position, Ranges, Stream, VedetteError


class SpoolFullError(VedetteError):
    """It can't be written to now: the disk is full, or takes no writing. Nothing of the call was done."""


class SpoolDamagedError(VedetteError):
    """What is read is not what was written, or can't be read: this spool is of no use any more."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A stream as it lies in the spool: its opening's ordinal, next number, what is held and dropped."""

    ordinal: int
    next: int = 1
    held: Ranges = NOTHING
    size: int = 0
    dropped: Ranges = NOTHING


class Spool(Protocol):
    """Keeps observations and streams through any end of the program; a call is done whole or not at all.

    What writes may raise `SpoolFullError`, except `open`; any call may raise `SpoolDamagedError`.
    """

    def open(self, name: str) -> int:
        """Begin the opening of this name, never used before; return its ordinal, counted from 1."""
        ...

    def streams(self) -> Mapping[Stream, Kept]:
        """Return every stream that was begun and not forgotten."""
        ...

    def heard(self) -> Sequence[Position]:
        """Return what `hear` was last given."""
        ...

    def hear(self, positions: Sequence[Position]) -> None:
        """Keep the archive's positions in the acks that came last."""
        ...

    def add(self, stream: Stream, ordinal: int, number: int, item: bytes) -> None:
        """Keep an observation; the stream's next number is the one after it, from now on.

        Numbers skipped since the last are dropped: there was no room for them.
        """
        ...

    def read(self, stream: Stream, first: int, last: int) -> Sequence[bytes]:
        """Return the observations `first` to `last`, all of which are held."""
        ...

    def remove(self, stream: Stream, first: int, last: int) -> int:
        """Let go of what is held from `first` to `last`; return how many bytes that were."""
        ...

    def drop(self, stream: Stream, first: int, last: int, dropped: Ranges) -> int:
        """Do as `remove` and keep `dropped`, which stands for all that the stream has lost."""
        ...

    def forget(self, stream: Stream) -> None:
        """Let go of a stream that is closed."""
        ...
