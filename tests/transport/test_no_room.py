"""A spool that takes nothing now and then: declared loss is real loss, and no outcome is lost."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from vedette_schemas import Kind, Position, Ranges, Stream
from vedette_transport.delivery import Kept, Reserve, Sender, SpoolFullError

from tests.transport.delivery.stores import Disk, Place
from tests.transport.delivery.world import PRINCIPAL, World


class SmallDisk(Disk):
    """A spool that can be full: for everything, or for what is added only."""

    def __init__(self, made: dict[Place, bytes]) -> None:
        super().__init__(made)
        self.is_full = self.takes_deletes = False
        self.chance = random.Random(1)
        self.fails = 0.0

    def add(self, stream: Stream, ordinal: int, number: int, item: bytes) -> None:
        self._check()
        kept = self.kept.get(stream, Kept(ordinal))
        skipped = Ranges.span(kept.next, number - 1)
        self.kept[stream] = replace(kept, next=number, dropped=kept.dropped | skipped)
        super().add(stream, ordinal, number, item)

    def hear(self, positions: Sequence[Position]) -> None:
        self._check(deletes=True)
        super().hear(positions)

    def drop(self, stream: Stream, first: int, last: int, dropped: Ranges) -> int:
        self._check(deletes=True)
        return super().drop(stream, first, last, dropped)

    def forget(self, stream: Stream) -> None:
        self._check(deletes=True)
        super().forget(stream)

    def _check(self, *, deletes: bool = False) -> None:
        if (self.is_full and not (deletes and self.takes_deletes)) or self.chance.random() < self.fails:
            raise SpoolFullError


class SmallWorld(World):
    """A world whose sender has such a spool; `put` counts what was put into it."""

    small: SmallDisk

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.disk = self.small = SmallDisk(self.made)
        self.small.chance = self.dice = random.Random(seed)
        self.put = 0
        self.reopen()

    def opened(self) -> Sender:
        return Sender(Reserve(self.disk), PRINCIPAL, self.name(), self.dice.random, self.limits)

    def observe(self, kind: Kind = Kind.WINDOW, size: int = 10) -> None:
        self.put += 1
        self.sender.put(kind, self.put.to_bytes(4) + bytes(size))

    def step(self) -> None:
        dice = self.dice
        what = dice.randrange(10)
        if what < 4:
            self.observe(dice.choice([Kind.WINDOW, Kind.WINDOW, Kind.CLIPBOARD, Kind.OUTCOME]))
        elif what == 4:
            self.send(dice.random() * 3)
        elif what == 5:
            self.beat()
        elif what == 6:
            self.arrive_up(dice.randrange(9))
        elif what == 7:
            self.arrive_down(dice.randrange(9))
        elif what == 8:
            self.commit()
        else:
            self.small.is_full = dice.random() < 0.5
            self.small.takes_deletes = dice.random() < 0.5
            self.small.fails = dice.choice([0.0, 0.3])


@pytest.mark.parametrize("seed", range(60))
def test_what_was_put_is_archived_or_declared_dropped_and_never_both(seed: int) -> None:
    world = SmallWorld(seed)
    for _ in range(400):
        world.step()
    world.small.is_full, world.small.fails = False, 0.0
    for kind in (Kind.WINDOW, Kind.CLIPBOARD, Kind.OUTCOME):
        world.observe(kind)  # so that what waits in memory is written
    world.settle()
    ends = {state.kind: state.next - 1 for state in world.sender.heartbeat().streams}
    archived, declared = set(world.archive.observations), set(world.declared)
    places = {(world.stream(kind), number) for kind, last in ends.items() for number in range(1, last + 1)}
    assert len(places) == world.put
    assert archived | declared == places
    assert not archived & declared
    assert not world.missing
    assert not world.archive.facts or all(type(fact).__name__ == "Dropped" for fact in world.archive.facts)
    assert not any(stream.kind == Kind.OUTCOME for stream, _ in declared)


def test_outcomes_are_sent_and_acked_though_they_cant_be_written() -> None:
    world = SmallWorld(1)
    world.small.is_full = True
    for _ in range(3):
        world.observe(Kind.OUTCOME)
    world.settle()
    assert [number for _, number in sorted(world.archive.observations)] == [1, 2, 3]


def test_outcomes_that_wait_in_memory_are_bounded() -> None:
    world = SmallWorld(1)
    world.small.is_full = True
    for _ in range(1_005):
        world.observe(Kind.OUTCOME)
    (state,) = world.sender.heartbeat().streams
    assert (state.oldest, state.next, state.dropped) == (1, 1_006, ((1_001, 1_005),))
