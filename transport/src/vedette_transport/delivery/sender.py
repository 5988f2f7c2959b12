"""The sender's end of delivery: what is sent when, what an ack lets go, what gives way for lack of room.

No clock, no socket: the time and acks come in, runs to send and heartbeats come out.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vedette_schemas import (
    MAX_HEARD,
    MAX_ITEMS,
    MAX_REPORT,
    MAX_STREAMS,
    Ack,
    AckedStream,
    Kind,
    Position,
    Ranges,
    SpoolState,
    Stream,
    StreamState,
)

from .outgoing import Flight, Outgoing
from .spool import Spool, SpoolFullError


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """How much waits, how much is under way, and how long an ack is waited for (seconds)."""

    capacity: int = 64 * 1024 * 1024
    unacknowledged: int = 4
    items: int = MAX_ITEMS
    size: int = MAX_REPORT
    first_wait: float = 1.0
    longest_wait: float = 60.0


class Run(NamedTuple):
    """What one report is to carry: the observations `first`, `first + 1`, … of a stream, encoded."""

    stream: Stream
    first: int
    items: Sequence[bytes]


class Sender:
    """One opening of a spool: takes observations, and keeps each until it is archived."""

    def __init__(
        self,
        spool: Spool,
        principal: str,
        opening: str,
        jitter: Callable[[], float],
        limits: SenderLimits | None = None,
    ) -> None:
        """Open `spool` under a name never used before; `jitter` draws evenly from 0 to 1."""
        self._spool, self._principal, self._opening = spool, principal, opening
        self._jitter, self._limits = jitter, limits or SenderLimits()
        self._ordinal = spool.open(opening)
        self._streams = {
            stream: Outgoing.from_spool(kept, final=stream.spool != opening)
            for stream, kept in spool.streams().items()
        }
        self._size = sum(outgoing.size for outgoing in self._streams.values())
        self._heard = tuple(spool.heard())
        self._beats = 0
        self._make_room()  # the opening before may have ended in the middle of that

    def put(self, kind: Kind, item: bytes) -> int:
        """Keep an observation; return its number. What is oldest gives way where there is no room.

        Where the spool takes nothing at all, it is this observation that is dropped.
        """
        stream = Stream(self._principal, self._opening, str(kind))
        outgoing = self._streams.get(stream, Outgoing(ordinal=self._ordinal))
        number = outgoing.next
        is_kept = self._add(stream, number, item)
        self._streams[stream] = outgoing
        if is_kept:
            outgoing.add(number, len(item))
            self._size += len(item)
            self._make_room()
        else:
            outgoing.miss(number)
        return number

    def due(self, now: float) -> Iterator[Run]:
        """Yield what is to be sent at this time; what is yielded counts as sent."""
        for stream, outgoing in self._streams.items():
            outgoing.give_up_waiting(now)
            while len(outgoing.flights) < self._limits.unacknowledged and outgoing.unsent:
                run = self._next_run(stream, outgoing.unsent.pairs[0])
                outgoing.flights.append(
                    Flight(
                        first=run.first,
                        last=run.first + len(run.items) - 1,
                        due=now + self._wait(outgoing.attempts),
                        attempt=outgoing.attempts,
                    )
                )
                yield run

    def next_due(self) -> float | None:
        """Return when, unless something comes in first, `due` will have something again."""
        return min((flight.due for each in self._streams.values() for flight in each.flights), default=None)

    def reconnect(self) -> None:
        """Take nothing for under way: a new connection, or a new analyzer, knows of nothing sent before."""
        for outgoing in self._streams.values():
            outgoing.flights.clear()
            outgoing.attempts = 0

    def acked(self, ack: Ack) -> None:
        """Let go of what is archived and held; an ack of anything else means nothing.

        What can't be let go now, because the spool takes no writing, is sent and acked again.
        """
        with contextlib.suppress(SpoolFullError):
            self._hear(ack.archive)
            for acked in ack.streams:
                stream = Stream(self._principal, acked.spool, str(acked.kind))
                if stream in self._streams:
                    self._let_go(stream, acked)

    def heartbeat(self) -> SpoolState:
        """Return the next heartbeat's account; where there are too many streams, each beat tells others."""
        self._beats += 1
        streams = sorted(self._streams)
        pages = -(-len(streams) // MAX_STREAMS) or 1
        start = self._beats % pages * MAX_STREAMS
        return SpoolState(
            spool=self._opening,
            ordinal=self._ordinal,
            number=self._beats,
            complete=pages == 1,
            streams=tuple(self._state(stream) for stream in streams[start : start + MAX_STREAMS]),
            heard=self._heard,
        )

    def _next_run(self, stream: Stream, held: tuple[int, int]) -> Run:
        first, last = held
        items = self._spool.read(stream, first, min(last, first + self._limits.items - 1))
        return Run(stream, first, items[: _fitting(map(len, items), self._limits.size)])

    def _wait(self, attempts: int) -> float:
        longest = min(self._limits.first_wait * 2.0 ** min(attempts, 30), self._limits.longest_wait)
        return longest * (0.5 + self._jitter() / 2)

    def _let_go(self, stream: Stream, acked: AckedStream) -> None:
        outgoing = self._streams[stream]
        archived = outgoing.held & Ranges.of(acked.ranges)
        for first, last in archived.pairs:
            self._forget_held(outgoing, first, last, self._spool.remove(stream, first, last))
        if archived:
            outgoing.restart_waits()
        # An ack may be old, or meant for a copy of this spool: only the very end that it names is closed.
        if outgoing.final and not outgoing.held and acked.closed == outgoing.next:
            self._spool.forget(stream)
            del self._streams[stream]

    def _add(self, stream: Stream, number: int, item: bytes) -> bool:
        """Tell whether there was room for it, made or found."""
        try:
            self._spool.add(stream, self._ordinal, number, item)
        except SpoolFullError:
            try:
                self._drop_oldest()
                self._spool.add(stream, self._ordinal, number, item)
            except SpoolFullError:
                return False
        return True

    def _make_room(self) -> None:
        with contextlib.suppress(SpoolFullError):  # there is more than should be, until it can be written
            while self._size > self._limits.capacity and self._drop_oldest():
                pass

    def _drop_oldest(self) -> bool:
        """Drop the oldest of the largest stream; `False` if there is nothing that may be dropped."""
        expendable = [
            (outgoing.size, stream)
            for stream, outgoing in self._streams.items()
            if stream.kind != Kind.OUTCOME and outgoing.held
        ]
        if not expendable:
            return False
        _, stream = max(expendable)
        outgoing = self._streams[stream]
        first, last = outgoing.held.pairs[0]
        last = min(last, first + self._limits.items - 1)
        dropped = outgoing.dropped_with(first, last)
        self._forget_held(outgoing, first, last, self._spool.drop(stream, first, last, dropped))
        outgoing.dropped = dropped
        return True

    def _forget_held(self, outgoing: Outgoing, first: int, last: int, size: int) -> None:
        outgoing.let_go(first, last, size)
        self._size -= size

    def _hear(self, position: Position) -> None:
        highest = max(
            (position, *(other for other in self._heard if other.epoch == position.epoch)),
            key=lambda heard: heard.commits,
        )
        others = (other for other in self._heard if other.epoch != position.epoch)
        heard = (highest, *others)[:MAX_HEARD]
        if heard != self._heard:
            # Kept before anything is let go: who let go on an archive's word must remember whose it was.
            self._spool.hear(heard)
            self._heard = heard

    def _state(self, stream: Stream) -> StreamState:
        outgoing = self._streams[stream]
        return StreamState(
            spool=stream.spool,
            kind=Kind(stream.kind),
            ordinal=outgoing.ordinal,
            final=outgoing.final,
            next=outgoing.next,
            oldest=outgoing.oldest,
            dropped=outgoing.dropped.pairs,
        )


def _fitting(sizes: Iterable[int], room: int) -> int:
    """Return how many of these fit into the room; the first always does."""
    count = 0
    for size in sizes:
        room -= size
        if room < 0 and count:
            break
        count += 1
    return count
