"""Random schedules: whatever the network does and whoever dies, nothing is lost unsaid.

`VEDETTE_SCHEDULES` says how many schedules of each kind there are (`make soak` tries many).
"""

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from vedette_schemas import MAX_RANGES, Kind
from vedette_transport.delivery import ArchiveWentBack, Dropped, LostWithArchive

from tests.transport.delivery.world import SENDER_LIMITS, World

SCHEDULES = int(os.environ.get("VEDETTE_SCHEDULES", "700"))
KINDS = st.sampled_from([Kind.WINDOW, Kind.WINDOW, Kind.PROCESS, Kind.OUTCOME])
PLACES = st.sampled_from([0, 0, 0, 1, 2, 5, 11])
FEW = st.integers(1, 12)


class Delivery(RuleBasedStateMachine):
    """Loss, repetition, delay, reordering and crashes, but no disk is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(analyzers=2)

    @rule(kind=KINDS, count=FEW, size=st.sampled_from([4, 10, 70]))
    def observe(self, kind: Kind, count: int, size: int) -> None:
        for _ in range(count if kind != Kind.OUTCOME else 1):
            self.world.observe(kind, size)
        told = self.world.sender.heartbeat()
        assert all(len(state.dropped) <= MAX_RANGES for state in told.streams)
        expendable = sum(
            len(item) for (stream, _), item in self.world.disk.items.items() if stream.kind != Kind.OUTCOME
        )
        assert expendable <= SENDER_LIMITS.capacity

    @rule(seconds=st.sampled_from([0.0, 0.7, 3.0, 61.0]))
    def send(self, seconds: float) -> None:
        self.world.send(seconds)

    @rule()
    def beat(self) -> None:
        self.world.beat()

    @rule(place=PLACES, count=FEW, again=st.booleans())
    def arrive_up(self, place: int, count: int, again: bool) -> None:
        for _ in range(count):
            self.world.arrive_up(place, again=again)

    @rule(place=PLACES, count=FEW, again=st.booleans())
    def arrive_down(self, place: int, count: int, again: bool) -> None:
        for _ in range(count):
            self.world.arrive_down(place, again=again)

    @rule(place=PLACES, upward=st.booleans())
    def lose(self, place: int, upward: bool) -> None:
        way = self.world.up if upward else self.world.down
        del way[place : place + 3]

    @rule(number=st.integers(0, 1), dies=st.sampled_from([False, False, True]))
    def commit(self, number: int, dies: bool) -> None:
        self.world.commit(number, dies=dies)

    @rule(number=st.integers(0, 1))
    def kill_analyzer(self, number: int) -> None:
        self.world.kill_analyzer(number)

    @rule(fuse=st.none() | st.integers(0, 6))
    def kill_sender(self, fuse: int | None) -> None:
        if fuse is None:
            self.world.reopen()
        else:
            self.world.disk.fuse = fuse

    @rule()
    def reconnect(self) -> None:
        self.world.sender.reconnect()

    def teardown(self) -> None:
        self.world.settle()
        self.world.assert_archived_as_made()
        self.judge()

    def judge(self) -> None:
        world = self.world
        assert set(world.declared) == world.lost
        assert all(isinstance(fact, Dropped) for fact in world.archive.facts)


class LostDisks(Delivery):
    """The same, and the sender's disk is put back to a back-up, or deleted."""

    @rule()
    def back_up(self) -> None:
        self.world.back_up()

    @rule()
    def restore(self) -> None:
        self.world.restore()

    @rule()
    def delete_spool(self) -> None:
        self.world.delete_spool()

    def judge(self) -> None:
        assert [place for place in self.world.lost if not self.world.is_found(*place)] == []


class LostArchives(Delivery):
    """The same as the first, and the archive is put back to a back-up."""

    @rule()
    def back_up_archive(self) -> None:
        self.world.back_up_archive()

    @rule()
    def restore_archive(self) -> None:
        self.world.restore_archive()

    def judge(self) -> None:
        world = self.world
        assert set(world.lost_with_archive) <= world.ever_archived
        known = {*world.declared, *world.lost_with_archive}
        assert world.lost >= known
        # The rest was settled and closed in a life of the archive that is gone: its sender has forgotten it.
        forgotten = world.lost - known
        assert forgotten <= world.ever_archived | world.once_declared
        assert not {stream for stream, _ in forgotten} & set(world.disk.kept)
        alerts = [fact for fact in world.archive.facts if not isinstance(fact, Dropped)]
        epochs = [epoch for fact in alerts if isinstance(fact, ArchiveWentBack) for epoch in fact.epochs]
        assert len(epochs) == len(set(epochs))
        assert all(isinstance(fact, ArchiveWentBack | LostWithArchive) for fact in alerts)
        assert epochs or not forgotten
        assert not world.missing


@pytest.mark.parametrize("schedules", [Delivery, LostDisks, LostArchives])
@pytest.mark.timeout(0)
def test_nothing_is_lost_unsaid_and_nothing_stalls(schedules: type[Delivery]) -> None:
    run_state_machine_as_test(
        schedules,
        settings=settings(
            max_examples=SCHEDULES,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def walk(world: World, dice: random.Random, more: list[Callable[[], None]]) -> None:
    """Take 300 steps of a schedule that a number names: longer ones than hypothesis finds it worth to try."""

    def lose() -> None:
        way: list[Any] = dice.choice([world.up, world.down])
        if way:
            del way[dice.randrange(len(way))]

    def burn() -> None:
        world.disk.fuse = dice.randrange(6)

    often: list[Callable[[], None]] = [
        lambda: world.observe(dice.choice(KINDS_OF_A_WALK), dice.choice([4, 10, 70])),
        lambda: world.send(dice.choice([0.0, 0.7, 3.0])),
        lambda: world.arrive_up(dice.choice([0, 0, dice.randrange(9)]), again=dice.random() < 0.1),
        lambda: world.arrive_down(dice.choice([0, 0, dice.randrange(9)]), again=dice.random() < 0.1),
    ]
    sometimes = [lose, world.beat, lambda: world.commit(dice.randrange(2), dies=dice.random() < 0.1)]
    rarely = [burn, world.reopen, lambda: world.kill_analyzer(dice.randrange(2)), *more]
    for _ in range(300):
        for _ in range(dice.choice([1, 1, 6])):
            dice.choices([dice.choice(often), dice.choice(sometimes), dice.choice(rarely)], [70, 26, 4])[0]()


KINDS_OF_A_WALK = [Kind.WINDOW, Kind.WINDOW, Kind.WINDOW, Kind.PROCESS, Kind.OUTCOME]


@pytest.mark.parametrize("schedules", [Delivery, LostDisks, LostArchives])
@pytest.mark.timeout(0)
def test_long_schedules_neither(schedules: type[Delivery]) -> None:
    for seed in range(SCHEDULES // 2):
        run = schedules()
        world = run.world
        more = {
            Delivery: [],
            LostDisks: [world.back_up, world.restore, world.delete_spool],
            LostArchives: [world.back_up_archive, world.restore_archive],
        }[schedules]
        try:
            walk(world, random.Random(seed), more)
            run.teardown()
        except AssertionError as wrong:
            wrong.add_note(f"seed {seed}")
            raise
