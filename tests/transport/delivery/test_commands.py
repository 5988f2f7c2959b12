"""Commands end to end: each is acted on once or expires, whoever dies and whatever the network does."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.transport.delivery.ordering import ANSWERED, BAD, EXPIRED, GOOD, LIFETIME, Command, Ordering
from tests.transport.delivery.test_schedules import FEW, PLACES, SCHEDULES


class Commands(RuleBasedStateMachine):
    """Loss, repetition, delay, reordering, and crashes of all three programs at any step."""

    def __init__(self) -> None:
        super().__init__()
        self.world = Ordering(analyzers=2)

    @rule(items=st.lists(st.sampled_from([BAD, GOOD]), min_size=1, max_size=4))
    def observe(self, items: list[bytes]) -> None:
        for item in items:
            self.world.observe(item)

    @rule(seconds=st.sampled_from([0.0, 0.7, 3.0, 61.0]))
    def send(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.send()

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
        if upward:
            del self.world.up[place : place + 3]
        else:
            del self.world.down[place : place + 3]

    @rule()
    def work(self) -> None:
        self.world.work()

    @rule(number=st.integers(0, 1), dies=st.sampled_from([False, False, True]))
    def commit(self, number: int, dies: bool) -> None:
        self.world.commit(number, dies=dies)

    @rule()
    def expire(self) -> None:
        self.world.expire()

    @rule(number=st.integers(0, 1))
    def kill_analyzer(self, number: int) -> None:
        self.world.kill_analyzer(number)

    @rule(fuse=st.integers(0, 4))
    def kill_sensor(self, fuse: int) -> None:
        self.world.sensor_disk.fuse = fuse

    @rule(fuse=st.none() | st.integers(0, 4))
    def kill_enforcer(self, fuse: int | None) -> None:
        if fuse is None:
            self.world.reopen_enforcer()
        else:
            self.world.enforcer_disk.fuse = fuse

    def teardown(self) -> None:
        self.world.settle()
        self.world.assert_each_once()


@pytest.mark.timeout(0)
def test_every_command_is_acted_on_once_or_expires() -> None:
    run_state_machine_as_test(
        Commands,
        settings=settings(
            max_examples=SCHEDULES,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def ordering_of_a_command() -> Ordering:
    """Its enforcer was heard; the command is published and not committed, and nothing has arrived below."""
    world = Ordering()
    world.beat()
    while world.up:
        world.arrive_up()
    world.observe()
    world.send()
    world.arrive_up()
    world.down = [message for message in world.down if isinstance(message, Command)]
    assert len(world.down) == 1
    return world


def settled(world: Ordering) -> tuple[list[str], int]:
    world.settle()
    world.assert_each_once()
    return world.states(), sum(world.begun.values())


def test_a_command_is_published_at_once_and_answered() -> None:
    assert settled(ordering_of_a_command()) == ([ANSWERED], 1)


def test_a_command_of_an_analyzer_that_died_before_its_commit_is_acted_on_once() -> None:
    world = ordering_of_a_command()
    world.arrive_down()
    world.kill_analyzer()
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_that_was_lost_with_its_analyzer_is_given_again() -> None:
    world = ordering_of_a_command()
    world.down.clear()
    world.kill_analyzer()
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_that_was_committed_and_lost_is_sent_again_after_a_restart() -> None:
    world = ordering_of_a_command()
    world.commit(dies=True)
    world.down.clear()
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_judged_again_long_after_it_expired_is_answered_and_not_acted_on_again() -> None:
    world = ordering_of_a_command()
    world.arrive_down()
    world.work()
    world.kill_analyzer()
    world.now += 10 * LIFETIME  # until its observation comes again, before its outcome
    world.beat()
    world.arrive_up(1)
    world.travel(*world.sensor.due(world.now))
    world.arrive_up(1)
    assert [message for message in world.down if isinstance(message, Command)]
    assert settled(world) == ([ANSWERED], 1)


def test_an_outcome_that_comes_before_its_command_is_known_settles_it() -> None:
    world = ordering_of_a_command()
    world.arrive_down()
    world.work()
    world.kill_analyzer()
    (run,) = world.enforcer.sender.due(world.now)
    world.travel(run)
    world.arrive_up()
    world.commit()
    assert world.states() == [ANSWERED]
    world.now += LIFETIME
    world.beat()
    world.send()
    while world.up:
        world.arrive_up()
    assert not [message for message in world.down if isinstance(message, Command)]
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_that_is_committed_after_its_outcome_stays_settled() -> None:
    world = Ordering(analyzers=2)
    world.round()
    world.observe()
    world.send()
    while world.up:
        world.arrive_up()  # both judge it
    world.arrive_down()
    world.work()
    world.send()
    world.arrive_up()  # its outcome comes to the first alone
    world.commit(0)
    world.commit(1)
    assert world.states() == [ANSWERED]
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_that_is_committed_after_its_time_expires() -> None:
    world = ordering_of_a_command()
    world.down.clear()
    world.now += LIFETIME
    world.expire()
    world.commit()
    assert settled(world) == ([EXPIRED], 0)


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_an_enforcer_killed_in_the_middle_resumes_and_answers(writes: int) -> None:
    world = ordering_of_a_command()
    world.enforcer_disk.fuse = writes
    world.arrive_down()
    world.work()
    assert settled(world) == ([ANSWERED], 1)


@pytest.mark.parametrize("writes", [1, 2])
def test_what_an_enforcer_did_is_told_though_it_was_killed_and_the_command_is_over(writes: int) -> None:
    world = ordering_of_a_command()
    world.enforcer_disk.fuse = writes
    world.arrive_down()
    world.work()
    world.now += LIFETIME
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_repeated_after_it_was_carried_out_is_answered_with_what_became_of_it() -> None:
    world = ordering_of_a_command()
    world.arrive_down(again=True)
    world.work()
    world.arrive_down()
    assert not world.enforcer.tasks
    assert len(world.outcomes) == 2
    assert settled(world) == ([ANSWERED], 1)


def test_a_command_repeated_while_it_is_carried_out_waits_for_the_same_outcome() -> None:
    world = ordering_of_a_command()
    world.arrive_down(again=True)
    world.arrive_down()
    assert not world.outcomes
    world.work()
    assert settled(world) == ([ANSWERED], 1)
    assert len(world.outcomes) == 1


def test_a_command_that_comes_too_late_is_refused_and_stays_undone() -> None:
    world = ordering_of_a_command()
    world.commit()
    world.now += LIFETIME
    world.expire()
    assert world.states() == [EXPIRED]
    world.arrive_down()
    assert settled(world) == ([ANSWERED], 0)


def test_a_command_that_nobody_hears_expires() -> None:
    world = ordering_of_a_command()
    world.down.clear()
    world.now += LIFETIME
    assert settled(world) == ([EXPIRED], 0)


def test_two_analyzers_give_one_command() -> None:
    world = Ordering(analyzers=2)
    world.round()
    world.observe()
    assert settled(world) == ([ANSWERED], 1)
