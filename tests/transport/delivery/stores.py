"""A spool and an archive in memory, which outlive the programs that use them."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vedette_schemas import Position, Ranges, SenderRecord, Stream, StreamRecord
from vedette_transport.delivery import (
    ArchiveWentBack,
    Batch,
    Dropped,
    Fact,
    Kept,
    LostWithArchive,
    Missing,
    Reconciled,
)

Place = tuple[Stream, int]


class CrashError(Exception):
    """The program is killed, here and now."""


class Disk:
    """A spool; `fuse` counts the writes until its program is killed, `made` all that ever was on it."""

    def __init__(self, made: dict[Place, bytes]) -> None:
        self.made = made
        self.fuse: int | None = None
        self.ordinal = 0
        self.positions: tuple[Position, ...] = ()
        self.kept: dict[Stream, Kept] = {}
        self.items: dict[Place, bytes] = {}

    def copy(self) -> "Disk":
        twin = Disk(self.made)
        twin.ordinal, twin.positions = self.ordinal, self.positions
        twin.kept, twin.items = dict(self.kept), dict(self.items)
        return twin

    def open(self, name: str) -> int:
        self.ordinal += 1
        return self.ordinal

    def streams(self) -> Mapping[Stream, Kept]:
        return self.kept

    def heard(self) -> Sequence[Position]:
        return self.positions

    def hear(self, positions: Sequence[Position]) -> None:
        self._burn()
        self.positions = tuple(positions)

    def add(self, stream: Stream, ordinal: int, number: int, item: bytes) -> None:
        self._burn()
        kept = self.kept.get(stream, Kept(ordinal))
        assert number == kept.next
        held = kept.held | Ranges.span(number, number)
        self.kept[stream] = Kept(kept.ordinal, number + 1, held, kept.size + len(item), kept.dropped)
        assert (stream, number) not in self.made, "a name is used twice"
        self.items[stream, number] = self.made[stream, number] = item

    def read(self, stream: Stream, first: int, last: int) -> Sequence[bytes]:
        return [self.items[stream, number] for number in range(first, last + 1)]

    def remove(self, stream: Stream, first: int, last: int) -> int:
        return self.drop(stream, first, last, self.kept[stream].dropped)

    def drop(self, stream: Stream, first: int, last: int, dropped: Ranges) -> int:
        self._burn()
        freed = sum(len(self.items.pop((stream, number))) for number in range(first, last + 1))
        kept = self.kept[stream]
        held = kept.held - Ranges.span(first, last)
        self.kept[stream] = Kept(kept.ordinal, kept.next, held, kept.size - freed, dropped)
        return freed

    def forget(self, stream: Stream) -> None:
        self._burn()
        del self.kept[stream]

    def _burn(self) -> None:
        if self.fuse is not None:
            if self.fuse == 0:
                self.fuse = None
                raise CrashError
            self.fuse -= 1


class Archive:
    """Observations and the books about them."""

    def __init__(self) -> None:
        self.observations: dict[Place, bytes] = {}
        self.streams: dict[Stream, StreamRecord] = {}
        self.senders: dict[str, SenderRecord] = {}
        self.epochs: dict[str, int] = {}
        self.newest = Position(epoch="0" * 16, commits=0)
        self.lost: set[str] = set()
        self.facts: list[Fact] = []

    def copy(self) -> "Archive":
        return copy.deepcopy(self)


class Books:
    """The archive as one analyzer opened it, under an epoch of its own."""

    def __init__(self, archive: Archive, epoch: str) -> None:
        self.archive, self.epoch = archive, epoch
        archive.epochs[epoch] = -1
        self._count()

    @property
    def position(self) -> Position:
        return self.archive.newest

    def stream(self, stream: Stream) -> StreamRecord:
        return self.archive.streams.get(stream, StreamRecord())

    def streams_due(self, principal: str) -> list[Stream]:
        return [
            stream
            for stream, known in self.archive.streams.items()
            if stream.principal == principal and not known.closed and not known.vanished
        ]

    def sender(self, principal: str) -> SenderRecord:
        return self.archive.senders.get(principal, SenderRecord())

    def commits(self, epoch: str) -> int | None:
        return self.archive.epochs.get(epoch)

    def is_known_lost(self, epoch: str) -> bool:
        return epoch in self.archive.lost

    def commit(self, batch: Batch, items: Mapping[Place, bytes]) -> None:
        for stream, numbers in batch.runs.items():
            known = self.stream(stream)
            new = numbers - known.settled
            for number in new:
                assert (stream, number) not in self.archive.observations, "archived twice"
                self.archive.observations[stream, number] = items[stream, number]
            closed = known.closed and new.highest < known.next
            self.archive.streams[stream] = replace(known, archived=known.archived | new, closed=closed)
        self._count()

    def write(self, reconciled: Reconciled) -> None:
        self.archive.senders[reconciled.principal] = reconciled.sender
        self.archive.streams.update(reconciled.streams)
        self.archive.facts += reconciled.facts
        self.archive.lost.update(
            *(fact.epochs for fact in reconciled.facts if isinstance(fact, ArchiveWentBack))
        )
        self._count()

    def _count(self) -> None:
        self.archive.epochs[self.epoch] += 1
        self.archive.newest = Position(epoch=self.epoch, commits=self.archive.epochs[self.epoch])


def numbers(facts: Sequence[Fact], kind: type[Dropped | Missing | LostWithArchive]) -> list[Place]:
    return [(fact.stream, number) for fact in facts if isinstance(fact, kind) for number in fact.numbers]
