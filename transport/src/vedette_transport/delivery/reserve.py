"""Outcomes are never dropped for lack of room: what can't be written waits in memory until it can."""

from collections.abc import Mapping, Sequence

from vedette_schemas import Kind, Position, Ranges, Stream

from .spool import Kept, Spool, SpoolFullError

MOST_WAITING = 1_000


class Reserve:
    """A spool that takes a bounded number of outcomes even while the one beneath can't be written to."""

    def __init__(self, spool: Spool, most: int = MOST_WAITING) -> None:
        """Keep at most so many outcomes in memory."""
        self._spool, self._most = spool, most
        self._waiting: dict[tuple[Stream, int], tuple[int, bytes]] = {}

    def open(self, name: str) -> int:
        """Begin an opening."""
        return self._spool.open(name)

    def streams(self) -> Mapping[Stream, Kept]:
        """Return every stream as an opening finds it."""
        return self._spool.streams()

    def heard(self) -> Sequence[Position]:
        """Return the archive's positions."""
        return self._spool.heard()

    def hear(self, positions: Sequence[Position]) -> None:
        """Keep the archive's positions."""
        self._spool.hear(positions)

    def add(self, stream: Stream, ordinal: int, number: int, item: bytes) -> None:
        """Keep an observation; an outcome in memory, if it can't be written."""
        try:
            self._write_waiting()  # first: in a stream, numbers are written as they rise
            self._spool.add(stream, ordinal, number, item)
        except SpoolFullError:
            if stream.kind != Kind.OUTCOME or len(self._waiting) >= self._most:
                raise
            self._waiting[stream, number] = ordinal, item

    def read(self, stream: Stream, first: int, last: int) -> Sequence[bytes]:
        """Return what is held from `first` to `last`."""
        waiting = self._waiting_in(stream, first, last)
        written = last - len(waiting)
        items = list(self._spool.read(stream, first, written)) if first <= written else []
        return items + [self._waiting[stream, number][1] for number in waiting]

    def remove(self, stream: Stream, first: int, last: int) -> int:
        """Let go of what is held; what was never written need not be let go there."""
        waiting = self._waiting_in(stream, first, last)
        written = last - len(waiting)
        size = self._spool.remove(stream, first, written) if first <= written else 0
        return size + sum(len(self._waiting.pop((stream, number))[1]) for number in waiting)

    def drop(self, stream: Stream, first: int, last: int, dropped: Ranges) -> int:
        """Let go of what is dropped: no outcome ever is."""
        return self._spool.drop(stream, first, last, dropped)

    def forget(self, stream: Stream) -> None:
        """Let go of a stream that is closed."""
        self._spool.forget(stream)

    def _write_waiting(self) -> None:
        for (stream, number), (ordinal, item) in list(self._waiting.items()):
            self._spool.add(stream, ordinal, number, item)
            del self._waiting[stream, number]

    def _waiting_in(self, stream: Stream, first: int, last: int) -> list[int]:
        """Return the numbers that wait: the last of their stream, since one that waits holds up the next."""
        return [number for number in range(first, last + 1) if (stream, number) in self._waiting]
