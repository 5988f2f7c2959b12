"""What each end does by itself: windows, waits, bounds."""

import contextlib

import pytest
from pydantic import ValidationError
from vedette_schemas import (
    MAX_HEARD,
    MAX_PAYLOAD,
    MAX_RANGES,
    MAX_STREAMS,
    Ack,
    AckedStream,
    Kind,
    MessageError,
    Position,
    Principal,
    Ranges,
    SpoolState,
    Status,
    Stream,
    StreamRecord,
    StreamState,
    decode,
    encode,
    topics,
)
from vedette_transport.delivery import (
    Kept,
    Missing,
    Receiver,
    ReceiverLimits,
    Run,
    Sender,
    SenderLimits,
    reconcile,
)
from vedette_transport.delivery.reconcile import MAX_KNOWN

from tests import messages
from tests.transport.delivery.stores import Archive, Books, CrashError, Disk
from tests.transport.delivery.world import PRINCIPAL, RECEIVER_LIMITS, Analyzer, World

SPOOL = "0" * 16
WINDOW = Stream(PRINCIPAL, SPOOL, "window")
HUGE = 2**63 - 1


def sender(disk: Disk | None = None, **limits: float) -> Sender:
    return Sender(disk or Disk({}), PRINCIPAL, SPOOL, lambda: 1.0, SenderLimits(**limits))  # type: ignore[arg-type]


def ack(*ranges: tuple[int, int], commits: int = 1) -> Ack:
    stream = AckedStream(spool=SPOOL, kind=Kind.WINDOW, ranges=ranges)
    return Ack(audience=PRINCIPAL, archive=Position(epoch="e" * 16, commits=commits), streams=(stream,))


def runs(sent: Sender, now: float) -> list[tuple[int, int]]:
    return [(run.first, len(run.items)) for run in sent.due(now)]


def test_an_idle_line_sends_at_once_and_a_flood_waits_for_acks() -> None:
    ours = sender()
    ours.put(Kind.WINDOW, b"1")
    assert runs(ours, 0) == [(1, 1)]
    for _ in range(400):
        ours.put(Kind.WINDOW, b"x")
    assert runs(ours, 0) == [(2, 50), (52, 50), (102, 50)]
    assert runs(ours, 0) == []
    ours.acked(ack((2, 51)))
    assert runs(ours, 0.1) == [(152, 50)]


def test_no_stream_holds_up_another() -> None:
    ours = sender()
    for _ in range(400):
        ours.put(Kind.WINDOW, b"x")
    assert len(runs(ours, 0)) == 4
    ours.put(Kind.OUTCOME, b"y")
    assert [run.stream.kind for run in ours.due(0)] == ["outcome"]


def test_a_report_ends_at_128_KiB_but_carries_one_observation_of_any_size() -> None:  # noqa: N802
    ours = sender()
    for size in (200_000, 60_000, 60_000, 60_000):
        ours.put(Kind.CLIPBOARD, b"x" * size)
    assert runs(ours, 0) == [(1, 1), (2, 2), (4, 1)]


def test_a_report_of_exactly_128_KiB_is_one() -> None:  # noqa: N802
    ours = sender()
    for _ in range(3):
        ours.put(Kind.CLIPBOARD, b"x" * 65_536)
    assert runs(ours, 0) == [(1, 2), (3, 1)]


def test_the_wait_for_an_ack_doubles_to_a_minute_and_an_ack_starts_it_anew() -> None:
    ours = sender()
    ours.put(Kind.WINDOW, b"1")
    ours.put(Kind.WINDOW, b"2")
    now, waits = 0.0, list[float]()
    for _ in range(9):
        assert runs(ours, now) == [(1, 2)]
        due = ours.next_due()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    ours.acked(ack((1, 1)))
    assert runs(ours, now) == [(2, 1)]
    assert ours.next_due() == now + 2


def test_jitter_takes_up_to_half_of_the_wait() -> None:
    ours = Sender(Disk({}), PRINCIPAL, SPOOL, lambda: 0.0)
    ours.put(Kind.WINDOW, b"1")
    assert runs(ours, 0) == [(1, 1)]
    assert ours.next_due() == 0.5


def test_waiting_for_a_day_goes_on_waiting() -> None:
    ours = sender()
    ours.put(Kind.WINDOW, b"1")
    for number in range(1_500):
        assert runs(ours, number * 60) == [(1, 1)]


def test_only_what_is_late_is_sent_again() -> None:
    ours = sender(items=1)
    for now in (0, 0.5):
        ours.put(Kind.WINDOW, b"1")
        assert len(runs(ours, now)) == 1
    assert runs(ours, 1) == [(1, 1)]
    assert runs(ours, 1.5) == [(2, 1)]


def test_an_ack_far_behind_does_not_shorten_the_wait() -> None:
    ours = sender(items=1)
    ours.put(Kind.WINDOW, b"1")
    for now in (0, 1, 3, 7, 15, 31):
        assert runs(ours, now) == [(1, 1)]  # the last is waited for until 63
    ours.put(Kind.WINDOW, b"2")
    assert runs(ours, 31) == [(2, 1)]
    ours.acked(ack((2, 2)))
    ours.put(Kind.WINDOW, b"3")
    for now in (33, 34, 36, 40, 48):
        assert runs(ours, now) == [(3, 1)]
    assert runs(ours, 63) == [(1, 1)]
    assert runs(ours, 64) == [(3, 1)]
    assert ours.next_due() == 63 + 16


def test_an_ack_that_says_nothing_new_writes_nothing() -> None:
    disk = Disk({})
    ours = sender(disk)
    ours.put(Kind.WINDOW, b"1")
    ours.acked(ack((1, 1)))
    disk.fuse = 0
    ours.acked(ack((1, 1)))
    assert disk.fuse == 0


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_whose_word_it_was_is_kept_before_anything_is_let_go(writes: int) -> None:
    disk = Disk({})
    ours = sender(disk)
    ours.put(Kind.WINDOW, b"1")
    disk.fuse = writes
    with contextlib.suppress(CrashError):
        ours.acked(ack((1, 1)))
    assert disk.positions or disk.kept[WINDOW].held
    assert bool(disk.kept[WINDOW].held) == (writes < 2)


def test_a_new_connection_waits_for_no_ack_of_the_old_one() -> None:
    ours = sender()
    ours.put(Kind.WINDOW, b"1")
    assert runs(ours, 0) == runs(ours, 1) == [(1, 1)]
    ours.reconnect()
    assert runs(ours, 1) == [(1, 1)]
    assert ours.next_due() == 2
    ours.acked(ack((1, 1)))
    assert ours.next_due() is None


def test_the_largest_stream_gives_way_its_oldest_first() -> None:
    ours = sender(capacity=100, items=2)
    ours.put(Kind.PROCESS, b"x" * 30)
    for _ in range(4):
        ours.put(Kind.WINDOW, b"x" * 20)
    states = {state.kind: state for state in ours.heartbeat().streams}
    assert (states[Kind.PROCESS].oldest, states[Kind.PROCESS].dropped) == (1, ())
    assert (states[Kind.WINDOW].oldest, states[Kind.WINDOW].dropped) == (3, ((1, 2),))


def test_more_dropped_ranges_than_a_heartbeat_holds_are_told_with_the_narrowest_gaps_closed() -> None:
    ours = sender(capacity=1, items=1)
    for number in range(1, 4 * MAX_RANGES, 2):
        ours.put(Kind.WINDOW, b"1")
        ours.put(Kind.WINDOW, b"1")  # there is room for one: the one before it is dropped
        ours.acked(ack((number + 1, number + 1)))
    (told,) = ours.heartbeat().streams
    assert len(told.dropped) == MAX_RANGES
    assert set(range(1, 4 * MAX_RANGES, 2)) <= set(Ranges.of(told.dropped))
    assert told.oldest == told.next


@pytest.mark.parametrize("large", [Kind.CLIPBOARD, Kind.WINDOW])
def test_how_large_a_stream_is_follows_what_comes_and_goes(large: Kind) -> None:
    small = Kind.WINDOW if large == Kind.CLIPBOARD else Kind.CLIPBOARD
    ours = sender(capacity=100, items=1)
    for kind, size in ((large, 20), (large, 20), (small, 30), (large, 40)):
        ours.put(kind, b"x" * size)
    assert {state.kind: state.oldest for state in ours.heartbeat().streams} == {large: 2, small: 1}
    acked = AckedStream(spool=SPOOL, kind=large, ranges=((3, 3),))
    position = Position(epoch="e" * 16, commits=1)
    ours.acked(Ack(audience=PRINCIPAL, archive=position, streams=(acked,)))
    ours.put(Kind.OUTCOME, b"x" * 60)
    assert {state.kind: state.oldest for state in ours.heartbeat().streams} == {
        large: 2,
        small: 2,
        Kind.OUTCOME: 1,
    }


def test_more_streams_than_a_heartbeat_holds_are_told_in_turn() -> None:
    disk = Disk({})
    for number in range(MAX_STREAMS * 2):
        disk.kept[Stream(PRINCIPAL, f"{number + 1:016x}", "window")] = Kept(1, 2)
    ours = sender(disk)
    ours.put(Kind.WINDOW, b"1")
    told = [ours.heartbeat() for _ in range(3)]
    assert not any(state.complete for state in told)
    assert len({stream.spool for state in told for stream in state.streams}) == 2 * MAX_STREAMS + 1


def receiver(**limits: int) -> Receiver:
    return Receiver(Books(Archive(), "e" * 16), ReceiverLimits(**limits))


def test_beyond_what_may_wait_a_report_is_left_whole() -> None:
    theirs = receiver(items=10, size=100)
    assert theirs.take(WINDOW, 1, [10] * 6) == (Ranges.span(1, 6), None, False)
    assert theirs.take(WINDOW, 7, [1] * 5).left  # too many
    assert theirs.take(WINDOW, 7, [30] * 2).left  # too large
    assert theirs.take(WINDOW, 1, [10] * 6) == (Ranges(), None, False)  # nothing of it is new
    batch = theirs.batch()
    assert theirs.take(WINDOW, 7, [1] * 5).left  # what is being committed still counts
    theirs.committed(batch)
    assert not theirs.take(WINDOW, 7, [1] * 5).left


def test_what_waits_is_counted_over_reports_streams_and_batches() -> None:
    by_count, by_size = receiver(items=10), receiver(size=100)
    for first in (1, 4):
        assert not by_count.take(WINDOW, first, [1] * 3).left
        assert not by_size.take(WINDOW, first, [10] * 3).left
        assert by_count.batch().items == 3
        by_size.batch()
    for first in (7, 9):
        assert not by_count.take(WINDOW, first, [1] * 2).left
        assert not by_size.take(WINDOW, first, [10] * 2).left
    assert by_count.waiting == 10
    assert by_count.take(WINDOW, 11, [1]).left
    assert by_size.take(WINDOW, 11, [1]).left
    assert (by_count.batch().items, by_size.batch().size) == (4, 40)


def test_of_a_report_that_is_left_what_is_archived_is_acked() -> None:
    analyzer = Analyzer(Archive(), "e" * 16, ReceiverLimits(items=2))
    analyzer.report(Run(WINDOW, 1, [b"1", b"2"]))
    analyzer.commit()
    taken = analyzer.receiver.take(WINDOW, 1, [1] * 5)
    assert taken == (Ranges(), ack((1, 2), commits=1), True)


def test_what_is_settled_is_acked_and_not_judged_again() -> None:
    books = Books(Archive(), "e" * 16)
    found = reconcile(PRINCIPAL, beat(1, WINDOW, oldest=3), books, {})
    assert found is not None
    books.write(found)
    assert found.facts == (Missing(WINDOW, Ranges.span(1, 2)),)
    taken = Receiver(books).take(WINDOW, 1, [1] * 3)
    assert taken == (Ranges.span(3, 3), ack((1, 2), commits=1), False)


def test_each_sender_is_acked_its_own() -> None:
    analyzer = Analyzer(Archive(), "e" * 16)
    theirs = Stream("sensor@host-8", SPOOL, "window")
    for stream in (theirs, WINDOW):
        analyzer.report(Run(stream, 1, [b"1"] * (1 + (stream == theirs))))
    assert analyzer.receiver.pending(PRINCIPAL) == {WINDOW: Ranges.span(1, 1)}
    said = analyzer.commit()
    assert [(each.audience, [acked.ranges for acked in each.streams]) for each in said] == [
        (PRINCIPAL, [((1, 1),)]),
        (theirs.principal, [((1, 2),)]),
    ]


def test_a_stream_that_is_over_is_acked_though_its_sender_has_as_many_as_may_be_known() -> None:
    analyzer = Analyzer(Archive(), "e" * 16, ReceiverLimits(streams=1))
    run = Run(WINDOW, 1, [b"1"])
    analyzer.report(run)
    analyzer.commit()
    over = StreamState(spool=SPOOL, kind=Kind.WINDOW, ordinal=1, final=True, next=2, oldest=2)
    analyzer.heartbeat(SpoolState(spool="f" * 16, ordinal=2, number=1, complete=True, streams=(over,)))
    assert not analyzer.books.streams_due(PRINCIPAL)
    analyzer.report(Run(windows(5, 1)[0], 1, [b"1"]))
    assert analyzer.report(run)


def test_what_would_tear_a_stream_into_too_many_ranges_is_left() -> None:
    theirs = receiver(ranges=3)
    assert [theirs.take(WINDOW, first, [1]).left for first in (2, 4, 6, 8, 3)] == [False] * 3 + [True, False]


def test_into_how_many_ranges_a_stream_falls_is_counted_over_what_is_archived_too() -> None:
    analyzer = Analyzer(Archive(), "e" * 16, ReceiverLimits(ranges=3))
    for first in (2, 4, 6):
        analyzer.report(Run(WINDOW, first, [b"1"]))
        analyzer.commit()
    assert analyzer.receiver.take(WINDOW, 8, [1]).left
    assert not analyzer.receiver.take(WINDOW, 7, [1]).left
    torn = Ranges.of((number, number) for number in range(2, 12, 2))  # by another analyzer
    analyzer.books.archive.streams[WINDOW] = StreamRecord(archived=torn)
    assert not analyzer.receiver.take(WINDOW, 10, [1]).left


def windows(first: int, count: int) -> list[Stream]:
    return [Stream(PRINCIPAL, f"{number:016x}", "window") for number in range(first, first + count)]


def test_of_one_sender_no_more_streams_are_taken_up_than_may_be_known() -> None:
    analyzer = Analyzer(Archive(), "e" * 16, ReceiverLimits(streams=3))
    one, two, three, four = windows(1, 4)
    taken = [analyzer.receiver.take(stream, 1, [1]) for stream in (one, two)]
    analyzer.judged |= {(one, 1): b"1", (two, 1): b"2"}
    assert [each.left for each in taken] == [False, False]
    analyzer.commit()  # what is known is in the books now, what follows is only judged
    assert not analyzer.receiver.take(three, 1, [1]).left
    assert analyzer.receiver.take(four, 1, [1]) == (Ranges(), None, True)
    assert not analyzer.receiver.take(three, 2, [1]).left
    assert not analyzer.receiver.take(one, 2, [1]).left
    assert not analyzer.receiver.take(Stream("sensor@other", four.spool, "window"), 1, [1]).left


def beat(number: int, *streams: Stream, complete: bool = False, oldest: int = 1) -> SpoolState:
    states = [
        StreamState(spool=stream.spool, kind=Kind.WINDOW, ordinal=1, final=False, next=5, oldest=oldest)
        for stream in streams
    ]
    return SpoolState(spool=SPOOL, ordinal=1, number=number, complete=complete, streams=tuple(states))


@pytest.mark.parametrize("complete", [False, True])
def test_heartbeats_that_name_ever_new_streams_are_remembered_up_to_a_limit(complete: bool) -> None:
    books = Books(Archive(), "e" * 16)
    for number in range(1, 40):
        told = beat(number, *windows(number * MAX_STREAMS, MAX_STREAMS), complete=complete)
        found = reconcile(PRINCIPAL, told, books, {})
        assert found is not None
        assert len(found.facts) <= MAX_KNOWN
        books.write(found)
        assert len(books.streams_due(PRINCIPAL)) <= MAX_KNOWN
    assert complete or len(books.archive.streams) == MAX_KNOWN


def test_what_is_judged_counts_as_known_to_a_heartbeat() -> None:
    books = Books(Archive(), "e" * 16)
    one, two, three, four = windows(1, 4)
    judged = {one: Ranges.span(1, 1), two: Ranges.span(1, 1)}
    found = reconcile(PRINCIPAL, beat(1, two, three, four), books, judged, most=3)
    assert found is not None
    assert set(found.streams) == {two, three}


def test_a_sender_with_more_streams_than_may_be_known_gets_all_of_them_archived() -> None:
    world = World(limits=SenderLimits(items=5, size=60))
    for _ in range(3 * RECEIVER_LIMITS.streams):
        world.observe()
        world.reopen()
    world.settle()
    assert world.archive.facts == []
    assert len(world.archive.observations) == 3 * RECEIVER_LIMITS.streams


def test_a_heartbeat_that_tells_of_a_stream_twice_says_its_loss_once() -> None:
    one, *_ = windows(1, 1)
    first, second = (beat(1, one, oldest=oldest).streams[0] for oldest in (4, 3))
    told = SpoolState(spool=SPOOL, ordinal=1, number=1, complete=True, streams=(first, second))
    found = reconcile(PRINCIPAL, told, Books(Archive(), SPOOL), {})
    assert found is not None
    assert found.facts == (Missing(one, Ranges.span(1, 3)),)
    assert found.streams[one].floor == 4


def test_nothing_is_acked_before_it_is_committed_and_a_repeat_is_acked_at_once() -> None:
    analyzer = Analyzer(Archive(), "e" * 16)
    run = Run(WINDOW, 1, [b"1", b"2"])
    assert analyzer.report(run) == []
    assert analyzer.report(run) == []
    (said,) = analyzer.commit()
    assert said == ack((1, 2))
    (repeated,) = analyzer.report(run)
    assert repeated == said


def test_acks_are_cut_to_what_a_message_holds() -> None:
    analyzer = Analyzer(Archive(), "e" * 16, ReceiverLimits(ranges=1_000))
    for number in range(MAX_RANGES + 1):
        analyzer.report(Run(WINDOW, 2 * number + 1, [b"1"]))
    for number in range(MAX_STREAMS):
        analyzer.report(Run(Stream(PRINCIPAL, f"{number + 1:016x}", "window"), 1, [b"1"]))
    said = analyzer.commit()
    assert [len(each.streams) for each in said] == [MAX_STREAMS, 2]


def test_a_hostile_heartbeat_costs_no_more_than_an_honest_one() -> None:
    state = StreamState(spool=SPOOL, kind=Kind.WINDOW, ordinal=HUGE, final=True, next=HUGE, oldest=HUGE)
    told = SpoolState(spool=SPOOL, ordinal=HUGE, number=HUGE, complete=True, streams=(state,))
    found = reconcile(PRINCIPAL, told, Books(Archive(), SPOOL), {})
    assert found is not None
    assert found.facts == (Missing(WINDOW, Ranges.span(1, HUGE - 1)),)


def test_the_greatest_heartbeat_and_ack_fit_a_payload() -> None:
    ranges = ((HUGE, HUGE),) * MAX_RANGES
    position = Position(epoch=SPOOL, commits=HUGE)
    state = StreamState(
        spool=SPOOL, kind=Kind.CONNECTION, ordinal=HUGE, final=False, next=HUGE, oldest=HUGE, dropped=ranges
    )
    told = SpoolState(
        spool=SPOOL,
        ordinal=HUGE,
        number=HUGE,
        complete=False,
        streams=(state,) * MAX_STREAMS,
        heard=(position,) * MAX_HEARD,
    )
    status = messages.status(delivery=told)
    assert decode(Status, encode(status)) == status
    assert len(encode(status)) < MAX_PAYLOAD - 32 * 332 * 4  # room for as many facts as there may be
    stream = AckedStream(spool=SPOOL, kind=Kind.CONNECTION, ranges=ranges, closed=HUGE)
    greatest = Ack(audience=PRINCIPAL, archive=position, streams=(stream,) * MAX_STREAMS)
    assert decode(Ack, encode(greatest)) == greatest


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError):
        AckedStream(spool=SPOOL, kind=Kind.WINDOW, ranges=((2, 1),))
    with pytest.raises(ValidationError):
        StreamState(spool=SPOOL, kind=Kind.WINDOW, ordinal=1, final=False, next=1, oldest=2)


def test_an_ack_has_its_senders_topic() -> None:
    principal = Principal.parse(PRINCIPAL)
    assert topics.ack(principal) == "vedette/v1/ack/sensor@host-7"
    assert topics.read_ack_topic(topics.ack(principal)) == principal
    for topic in ("vedette/v1/ack/", "vedette/v1/ack/sensor@host-7/more", "vedette/v1/cmd/sensor@host-7"):
        with pytest.raises(MessageError):
            topics.read_ack_topic(topic)
