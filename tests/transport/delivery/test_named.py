"""What the issue names, each on its own: what went wrong, and what is said about it."""

import pytest
from vedette_schemas import Ack, AckedStream, Kind, Position, Ranges, Stream
from vedette_transport.delivery import (
    PATIENCE,
    ArchiveWentBack,
    Dropped,
    LostWithArchive,
    Missing,
    Run,
    SenderLimits,
    Vanished,
    WentBack,
)

from tests.transport.delivery.world import PRINCIPAL, World


def world_with(count: int, analyzers: int = 1) -> World:
    world = World(analyzers)
    for _ in range(count):
        world.observe()
    return world


def some(first: int, last: int) -> Ranges:
    return Ranges.span(first, last)


def test_a_restored_spool_backup_is_told_where_the_stream_ends_too_early() -> None:
    world = world_with(3)
    window = world.stream()
    world.back_up()
    for _ in range(4):
        world.observe()
    world.round()
    world.restore()
    world.settle()
    assert world.archive.facts == [WentBack(window, next=4, known=8)]
    assert not world.lost


def test_a_restored_backup_says_what_it_lost_after_a_heartbeat_only() -> None:
    world = world_with(3)
    window = world.stream()
    world.settle()
    world.back_up()
    for _ in range(4):
        world.observe()
    world.beat()
    world.arrive_up()
    world.restore()
    world.settle()
    assert world.archive.facts == [WentBack(window, next=4, known=8)]
    assert world.lost == {(window, number) for number in range(4, 8)}


def test_a_report_from_before_a_restored_backup_that_comes_after_its_stream_was_closed_shows_the_loss() -> (
    None
):
    world = world_with(2)
    window = world.stream()
    world.back_up()
    world.observe()
    world.observe()
    late = Run(window, 4, [world.made[window, 4]])
    world.restore()
    world.settle()
    assert world.archive.facts == []
    world.travel([late])
    world.settle()
    assert world.archive.facts == [Vanished(window, missing=some(3, 3), after=4)]


def test_a_cloned_disk_shares_no_names_and_closes_nothing_of_its_twins() -> None:
    world = world_with(3)
    window = world.stream()
    world.round()
    original, disk = world.sender, world.disk
    world.disk = disk.copy()
    world.reopen()
    copy = world.sender
    for _ in range(3):
        world.sender, world.disk = copy, world.disk
        world.observe()
        world.round()  # the twin's first stream is over here: acks that close it reach both
        world.sender = original
        world.observe()
        for _ in range(2):
            world.round()
        world.sender = copy
    world.sender, world.disk = original, disk
    world.reopen()  # the first stream ends later here than in the copy
    world.settle()
    assert not world.lost
    assert not world.missing
    assert WentBack(window, next=4, known=5) in world.archive.facts


@pytest.mark.parametrize("heartbeats", [0, 1])
def test_a_deleted_spool_is_told_with_the_number_after_which_nothing_is_known(heartbeats: int) -> None:
    world = world_with(3)
    window = world.stream()
    world.send()
    world.arrive_up()
    world.commit()
    for _ in range(heartbeats):
        world.beat()
        world.arrive_up()
    world.down.clear()
    world.delete_spool()
    world.observe()
    for _ in range(PATIENCE + 2):
        world.round()
    assert world.archive.facts == [Vanished(window, missing=Ranges(), after=3)]


def test_a_deleted_stream_of_an_earlier_opening_is_told_at_the_next_heartbeat() -> None:
    world = world_with(3)
    window = world.stream()
    world.beat()
    world.arrive_up()
    world.disk.kept.clear()
    world.disk.items.clear()
    world.reopen()
    world.round()
    assert world.archive.facts == [Vanished(window, missing=some(1, 3), after=3)]


def test_two_analyzers_on_one_shard_do_the_work_twice_and_store_it_once() -> None:
    world = world_with(5, analyzers=2)
    world.send()
    while world.up:
        world.arrive_up()
    assert [analyzer.receiver.waiting for analyzer in world.analyzers] == [5, 5]
    world.commit(0)
    world.commit(1)
    assert len(world.archive.observations) == 5
    world.settle()
    assert not world.archive.facts


def test_an_ack_of_what_is_not_held_means_nothing() -> None:
    world = world_with(3)
    spool = world.stream().spool
    world.round()
    world.observe()
    stranger = AckedStream(spool="f" * 16, kind=Kind.WINDOW, ranges=((1, 9),), closed=1)
    known = AckedStream(spool=spool, kind=Kind.WINDOW, ranges=((1, 3), (5, 99)), closed=5)
    other = AckedStream(spool=spool, kind=Kind.PROCESS, ranges=((1, 9),), closed=1)
    world.sender.acked(
        Ack(
            audience=PRINCIPAL,
            archive=Position(epoch="e" * 16, commits=1),
            streams=(stranger, known, other),
        )
    )
    (state,) = world.sender.heartbeat().streams
    assert (state.oldest, state.next, state.final) == (4, 5, False)
    assert [number for _, number in world.disk.items] == [4]


def test_an_ack_that_closes_another_end_of_a_stream_closes_nothing() -> None:
    world = world_with(3)
    window = world.stream()
    world.reopen()
    for closed in (3, 4, 5):  # 4 is the end, but three observations are still held
        part = AckedStream(spool=window.spool, kind=Kind.WINDOW, closed=closed)
        position = Position(epoch="e" * 16, commits=1)
        world.sender.acked(Ack(audience=PRINCIPAL, archive=position, streams=(part,)))
        assert world.disk.kept[window].held == some(1, 3)


def test_an_ack_that_closes_a_stream_closes_that_end_of_one_that_is_over() -> None:
    world = world_with(3)
    window = world.stream()
    world.round()

    def close(number: int) -> None:
        part = AckedStream(spool=window.spool, kind=Kind.WINDOW, closed=number)
        position = Position(epoch="e" * 16, commits=1)
        world.sender.acked(Ack(audience=PRINCIPAL, archive=position, streams=(part,)))

    close(4)  # its opening goes on
    assert window in world.disk.kept
    world.reopen()
    for other in (3, 5):
        close(other)
        assert window in world.disk.kept
    close(4)
    assert window not in world.disk.kept


def test_yesterdays_archive_is_one_alert_and_what_it_lost_is_counted() -> None:
    world = world_with(3)
    window = world.stream()
    world.round()
    world.back_up_archive()
    for kind in (Kind.WINDOW, Kind.PROCESS):
        for _ in range(4):
            world.observe(kind)
    world.round()
    world.reopen()
    world.observe()
    for _ in range(3):
        world.round()  # the first opening's streams are closed, and forgotten by the sender
    world.restore_archive()
    world.settle()
    alerts = [fact for fact in world.archive.facts if not isinstance(fact, LostWithArchive)]
    assert [type(fact) for fact in alerts] == [ArchiveWentBack]
    assert (window, 1) in world.archive.observations
    assert world.lost >= set(world.lost_with_archive)


def test_yesterdays_archive_is_told_from_a_loss_though_another_analyzer_acked() -> None:
    world = world_with(3, analyzers=2)
    world.back_up_archive()
    world.send()
    world.arrive_up(0)
    world.commit(0)
    world.down.clear()  # the ack of the one that committed is lost, the other acks the repeat
    world.arrive_up(0)
    world.arrive_down()
    window = world.stream()
    assert world.disk.kept[window].held == Ranges()
    world.restore_archive()
    world.settle()
    assert world.lost_with_archive == [(window, number) for number in (1, 2, 3)]
    assert not world.missing
    assert any(isinstance(fact, ArchiveWentBack) for fact in world.archive.facts)


def test_a_true_loss_after_yesterdays_archive_is_an_alert_again() -> None:
    world = world_with(3)
    world.back_up_archive()
    world.round()
    world.restore_archive()
    world.settle()
    window = world.stream()
    world.observe()
    held = world.disk.kept[window].held.lowest
    part = AckedStream(spool=window.spool, kind=Kind.WINDOW, ranges=((held, held),))
    forged = Ack(audience=PRINCIPAL, archive=world.analyzers[0].books.position, streams=(part,))
    world.sender.acked(forged)
    world.settle()
    assert world.missing == [(window, held)]


def test_a_forged_ack_is_found_as_missing() -> None:
    world = world_with(3)
    window = world.stream()
    part = AckedStream(spool=window.spool, kind=Kind.WINDOW, ranges=((2, 2),))
    world.sender.acked(Ack(audience=PRINCIPAL, archive=world.analyzers[0].books.position, streams=(part,)))
    world.settle()
    assert world.archive.facts == [Missing(window, some(2, 2))]


def test_what_overflows_while_its_report_is_under_way_is_counted_once_or_archived() -> None:
    for first_the_heartbeat in (False, True):
        world = world_with(20)  # 300 bytes of room, 10 an observation
        window = world.stream()
        world.send()
        for _ in range(20):
            world.observe()
        assert world.sender.heartbeat().streams[0].dropped
        if first_the_heartbeat:
            world.beat()
            world.up.reverse()
        world.settle()
        assert world.lost == set(world.declared)
        assert (window in {stream for stream, _ in world.lost}) == first_the_heartbeat


def test_a_stream_that_falls_silent_after_an_overflow_is_declared_and_closed() -> None:
    world = World(limits=SenderLimits(capacity=10, items=5, size=60))
    world.observe(Kind.PROCESS, size=11)
    process = world.stream(Kind.PROCESS)
    world.round()
    assert world.archive.facts == [Dropped(process, some(1, 1))]
    world.reopen()
    world.settle()
    assert process not in world.disk.kept
    assert world.archive.facts == [Dropped(process, some(1, 1))]


@pytest.mark.parametrize("observed_in_the_middle", [0, 3])
def test_three_spool_ids_of_which_the_middle_one_never_sent(observed_in_the_middle: int) -> None:
    world = world_with(3)
    world.round()
    world.reopen()
    for _ in range(observed_in_the_middle):
        world.observe()
    world.reopen()
    world.observe()
    world.settle()
    assert not world.archive.facts
    assert len(world.archive.observations) == 4 + observed_in_the_middle


def test_an_old_heartbeat_of_an_opening_that_is_over_says_nothing_new() -> None:
    world = world_with(3)
    world.round()
    world.beat()
    ((_, late),) = world.up
    world.up.clear()
    world.observe(Kind.PROCESS)
    world.reopen()
    world.settle()
    world.travel([late])
    world.settle()
    assert not world.archive.facts


def test_of_two_heartbeats_of_one_opening_the_older_is_ignored() -> None:
    world = world_with(3)
    world.beat()
    world.observe(Kind.PROCESS)
    world.beat()
    world.arrive_up(1)
    world.arrive_up(0)  # it does not tell of the second stream, which has not vanished
    world.settle()
    assert not world.archive.facts


def test_a_stream_of_which_all_is_archived_but_which_goes_on_can_still_vanish() -> None:
    world = world_with(3)
    window = world.stream()
    world.round()
    world.round()
    world.disk.kept.clear()
    world.reopen()
    world.round()
    assert world.archive.facts == [Vanished(window, missing=Ranges(), after=3)]


def test_outcomes_never_give_way() -> None:
    world = World()
    for _ in range(60):
        world.observe(Kind.OUTCOME, size=10)
        world.observe(Kind.WINDOW, size=10)
    kept = [stream.kind for stream, _ in world.disk.items]
    assert kept.count("outcome") == 60
    world.settle()
    assert {Stream(*stream).kind for stream, _ in world.lost} == {"window"}
