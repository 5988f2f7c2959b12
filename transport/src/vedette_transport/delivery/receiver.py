"""The analyzer's end of delivery: what of a report is new, how much may wait, what is acked when.

Nothing is acked before it is committed. No clock, no socket, no database: the books are a `Ledger`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, TypeVar

from vedette_schemas import (
    MAX_RANGES,
    MAX_STREAMS,
    NOTHING,
    Ack,
    AckedStream,
    Kind,
    Ranges,
    Stream,
    StreamRecord,
)

from .ledger import Ledger
from .reconcile import MAX_KNOWN, Reconciled

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ReceiverLimits:
    """How much may be judged and not yet committed, and what one sender may make us remember.

    `ranges` is into how many a stream may fall apart: holes close by themselves, since an honest sender
    sends again what lies in them, or gives it up, and then its next heartbeat settles them. `streams` is
    how many of a sender may be known that are not over.
    """

    items: int = 20_000
    size: int = 32 * 1024 * 1024
    ranges: int = 256
    streams: int = MAX_KNOWN


class Taken(NamedTuple):
    """What becomes of a report: `new` is to be judged now and committed with the next batch.

    `ack` is to be sent at once: it is for what was archived already. What is `left` has no room now; its
    sender will send it again.
    """

    new: Ranges
    ack: Ack | None
    left: bool


@dataclass(slots=True)
class Batch:
    """What was judged since the last batch, to be committed in one transaction."""

    runs: dict[Stream, Ranges] = field(default_factory=dict[Stream, Ranges])
    items: int = 0
    size: int = 0


class Receiver:
    """Knows what is judged and not yet committed; everything else it asks the books."""

    def __init__(self, ledger: Ledger, limits: ReceiverLimits | None = None) -> None:
        """Start with nothing judged."""
        self._ledger, self._limits = ledger, limits or ReceiverLimits()
        self._batches = [Batch()]

    @property
    def waiting(self) -> int:
        """How many observations are judged and not yet committed."""
        return sum(batch.items for batch in self._batches)

    def take(self, stream: Stream, first: int, sizes: Sequence[int]) -> Taken:
        """Take a report in: the observations from `first` on, of these sizes."""
        numbers = Ranges.span(first, first + len(sizes) - 1)
        record = self._ledger.stream(stream)
        if record == StreamRecord() and not self._has_room_for(stream):
            return Taken(NOTHING, None, left=True)
        settled = record.settled & numbers
        acks = self._acks({stream: settled}) if settled else []
        pending = self._pending(stream)
        new = numbers - settled - pending
        size = sum(sizes[number - first] for number in new)
        if not self._has_room(len(new), size, record.archived | pending | new):
            return Taken(NOTHING, next(iter(acks), None), left=True)
        if new:
            batch = self._batches[-1]
            batch.runs[stream] = batch.runs.get(stream, NOTHING) | new
            batch.items += len(new)
            batch.size += size
        return Taken(new, next(iter(acks), None), left=False)

    def batch(self) -> Batch:
        """Return what is to be committed next; what is taken from now on goes with the batch after it."""
        batch = self._batches[-1]
        self._batches.append(Batch())
        return batch

    def committed(self, batch: Batch) -> list[Ack]:
        """Return the acks to send once a batch is committed."""
        self._batches = [other for other in self._batches if other is not batch]
        return self._acks(batch.runs)

    def pending(self, principal: str) -> dict[Stream, Ranges]:
        """Return what of a sender's streams is judged and not yet committed."""
        streams = {
            stream for batch in self._batches for stream in batch.runs if stream.principal == principal
        }
        return {stream: self._pending(stream) for stream in streams}

    def closed(self, reconciled: Reconciled) -> list[Ack]:
        """Return the acks to send once a heartbeat's outcome is committed."""
        return list(self._in_acks(reconciled.principal, reconciled.closed))

    def _pending(self, stream: Stream) -> Ranges:
        return Ranges.of(pair for batch in self._batches for pair in batch.runs.get(stream, NOTHING).pairs)

    def _has_room_for(self, new: Stream) -> bool:
        known = {*self._ledger.streams_due(new.principal), *self.pending(new.principal)}
        return new in known or len(known) < self._limits.streams

    def _has_room(self, items: int, size: int, numbers: Ranges) -> bool:
        return items == 0 or (
            self.waiting + items <= self._limits.items
            and sum(batch.size for batch in self._batches) + size <= self._limits.size
            and len(numbers.pairs) <= self._limits.ranges
        )

    def _acks(self, archived: Mapping[Stream, Ranges]) -> list[Ack]:
        principals = sorted({stream.principal for stream in archived})
        return [
            ack
            for principal in principals
            for ack in self._in_acks(
                principal,
                (
                    AckedStream(spool=stream.spool, kind=Kind(stream.kind), ranges=pairs)
                    for stream, ranges in archived.items()
                    if stream.principal == principal
                    for pairs in _parts(ranges.pairs, MAX_RANGES)
                ),
            )
        ]

    def _in_acks(self, principal: str, streams: Iterable[AckedStream]) -> Iterator[Ack]:
        position = self._ledger.position
        for part in _parts(streams, MAX_STREAMS):
            yield Ack(audience=principal, archive=position, streams=part)


def _parts(whole: Iterable[_T], most: int) -> Iterator[tuple[_T, ...]]:
    rest = iter(whole)
    while part := tuple(islice(rest, most)):
        yield part
