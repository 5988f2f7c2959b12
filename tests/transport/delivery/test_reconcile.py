"""One rule of reconciliation each: a heartbeat is told, and what comes of it."""

from typing import Any

import pytest
from vedette_schemas import (
    MAX_HEARD,
    Kind,
    Position,
    Ranges,
    SpoolState,
    Stream,
    StreamRecord,
    StreamState,
)
from vedette_transport.delivery import (
    ArchiveWentBack,
    Fact,
    LostWithArchive,
    Missing,
    Reconciled,
    Vanished,
    WentBack,
    reconcile,
)

from tests.transport.delivery.stores import Archive, Books
from tests.transport.delivery.world import BEATS_UNDER_WAY, PRINCIPAL

EARLIER, LATER, OTHER = "a" * 16, "b" * 16, "c" * 16
WINDOW = Stream(PRINCIPAL, EARLIER, "window")
PROCESS = Stream(PRINCIPAL, EARLIER, "process")
GONE_EPOCH = "f" * 16


def books(**known: StreamRecord) -> Books:
    """The books of an archive that knows these streams of the earlier opening."""
    archive = Archive()
    archive.streams = {Stream(PRINCIPAL, EARLIER, kind): record for kind, record in known.items()}
    return Books(archive, "e" * 16)


def state(stream: Stream, **changes: Any) -> StreamState:
    fields: dict[str, Any] = {
        "spool": stream.spool,
        "kind": Kind(stream.kind),
        "ordinal": 1,
        "final": False,
        "next": 4,
        "oldest": 1,
    }
    return StreamState(**(fields | changes))


def told(number: int, *states: StreamState, **changes: Any) -> SpoolState:
    fields: dict[str, Any] = {"spool": LATER, "ordinal": 2, "complete": True}
    return SpoolState(number=number, streams=states, **(fields | changes))


def hear(ours: Books, said: SpoolState, pending: dict[Stream, Ranges] | None = None) -> Reconciled:
    found = reconcile(PRINCIPAL, said, ours, pending or {})
    assert found is not None
    ours.write(found)
    return found


def vanished(facts: tuple[Fact, ...]) -> list[Stream]:
    return [fact.stream for fact in facts if isinstance(fact, Vanished)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_older_heartbeat_of_the_same_opening_is_ignored(number: int) -> None:
    ours = books()
    hear(ours, told(3, state(WINDOW)))
    late = told(number, state(WINDOW, oldest=3), state(PROCESS, oldest=2))
    assert reconcile(PRINCIPAL, late, ours, {}) is None
    assert hear(ours, told(1, state(WINDOW), spool=OTHER)).facts == ()  # another opening counts anew


def test_an_older_heartbeat_is_ignored_after_another_opening_was_heard() -> None:
    ours = books()
    hear(ours, told(5, state(WINDOW), spool=EARLIER, ordinal=1))
    hear(ours, told(1, state(WINDOW, final=True)))
    assert reconcile(PRINCIPAL, told(5, spool=EARLIER, ordinal=1), ours, {}) is None


def test_a_stream_that_its_own_opening_told_of_and_leaves_out_has_vanished_at_once() -> None:
    ours = books()
    hear(ours, told(1, state(WINDOW), spool=EARLIER, ordinal=1))
    assert vanished(hear(ours, told(2, spool=EARLIER, ordinal=1)).facts) == [WINDOW]


def test_a_late_heartbeat_of_an_opening_that_is_over_leaves_out_what_began_after_it() -> None:
    ours = books()
    hear(ours, told(1, state(WINDOW), spool=EARLIER, ordinal=1))
    hear(ours, told(1, state(WINDOW, final=True), state(PROCESS, final=True)))
    late = hear(ours, told(2, state(WINDOW), spool=EARLIER, ordinal=1))  # the process stream is younger
    assert late.facts == ()
    assert not late.streams[PROCESS].vanished


def test_a_stream_of_an_earlier_opening_has_vanished_at_once() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1, archived=Ranges.span(2, 2)))
    found = hear(ours, told(1))
    assert found.facts == (Vanished(WINDOW, missing=Ranges.of([(1, 1), (3, 3)]), after=3),)
    assert ours.streams_due(PRINCIPAL) == []


@pytest.mark.parametrize("ordinal", [0, 2, 3])
def test_a_stream_of_unknown_or_later_age_has_vanished_after_four_heartbeats(ordinal: int) -> None:
    ours = books(window=StreamRecord(next=4, ordinal=ordinal))
    for number in range(BEATS_UNDER_WAY):
        assert hear(ours, told(number + 1)).facts == ()
    assert vanished(hear(ours, told(BEATS_UNDER_WAY + 1)).facts) == [WINDOW]


def test_heartbeats_that_leave_a_stream_out_count_in_a_row_only() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=2))
    for number in range(1, 20):
        states = [state(WINDOW, ordinal=2)] if number % (BEATS_UNDER_WAY + 1) == 0 else []
        assert hear(ours, told(number, *states)).facts == ()


def test_a_stream_that_is_told_of_again_has_not_vanished_and_can_vanish_again() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1))
    assert vanished(hear(ours, told(1)).facts) == [WINDOW]
    assert hear(ours, told(2, state(WINDOW))).facts == ()
    assert ours.streams_due(PRINCIPAL) == [WINDOW]
    assert vanished(hear(ours, told(3)).facts) == [WINDOW]


def test_a_heartbeat_that_tells_of_a_part_leaves_nothing_out() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1))
    for number in range(1, 9):
        assert hear(ours, told(number, complete=False)).facts == ()


def test_of_what_is_judged_and_left_out_nothing_is_said_before_it_is_committed() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1))
    assert hear(ours, told(1), {WINDOW: Ranges.span(3, 3)}).facts == ()
    assert vanished(hear(ours, told(2)).facts) == [WINDOW]


def lost_archive(commits: int = 7) -> dict[str, Any]:
    return {"heard": (Position(epoch=GONE_EPOCH, commits=commits),)}


def test_what_is_left_out_by_the_heartbeat_that_shows_a_lost_archive_is_not_told_as_vanished() -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1))
    assert hear(ours, told(1, **lost_archive())).facts == (ArchiveWentBack((GONE_EPOCH,)),)
    assert ours.streams_due(PRINCIPAL) == []


@pytest.mark.parametrize("held_back", ["only a part is told", "it is judged", "there is no room for it"])
def test_a_lost_archive_counts_until_every_stream_was_looked_at(held_back: str) -> None:
    ours = books(window=StreamRecord(next=4, ordinal=1))
    others = [state(Stream(PRINCIPAL, f"{number:016x}", "window")) for number in range(1, 3)]
    found = reconcile(
        PRINCIPAL,
        told(1, *others, complete=held_back != "only a part is told", **lost_archive()),
        ours,
        {WINDOW: Ranges.span(3, 3)} if held_back == "it is judged" else {},
        2 if held_back == "there is no room for it" else 256,
    )
    assert found is not None
    assert found.facts == (ArchiveWentBack((GONE_EPOCH,)),)
    ours.write(found)
    again = hear(
        ours, told(2, *(state.model_copy(update={"oldest": 3}) for state in others), **lost_archive())
    )
    assert [type(fact) for fact in again.facts] == [LostWithArchive, LostWithArchive]  # and no second alert
    later = hear(
        ours, told(3, *(state.model_copy(update={"oldest": 4}) for state in others), **lost_archive())
    )
    assert [type(fact) for fact in later.facts] == [LostWithArchive, LostWithArchive]  # still doubtful


def test_a_lost_archive_that_is_dealt_with_excuses_nothing_that_came_after() -> None:
    ours = books()
    hear(ours, told(1, state(WINDOW), **lost_archive()))
    found = hear(ours, told(2, state(WINDOW, next=9, oldest=6), **lost_archive()))
    assert found.facts == (
        LostWithArchive(WINDOW, Ranges.span(1, 3)),
        Missing(WINDOW, Ranges.span(4, 5)),
    )


def test_more_that_was_acked_by_the_same_lost_life_is_lost_with_it() -> None:
    ours = books()
    hear(ours, told(1, state(WINDOW), heard=(*lost_archive(7)["heard"], Position(epoch="d" * 16, commits=1))))
    found = hear(ours, told(2, state(WINDOW, next=9, oldest=6), **lost_archive(8)))
    assert found.facts == (LostWithArchive(WINDOW, Ranges.span(1, 5)),)  # and the alert is not repeated
    assert sorted(found.sender.lost, key=str) == sorted(
        [Position(epoch=GONE_EPOCH, commits=8), Position(epoch="d" * 16, commits=1)], key=str
    )


def test_what_is_doubtful_stays_so_though_the_stream_goes_back() -> None:
    ours = books(window=StreamRecord(next=9, doubtful=9, ordinal=1))
    found = hear(ours, told(1, state(WINDOW, next=4), **lost_archive()))
    assert found.streams[WINDOW].doubtful == 9


def test_a_stream_ends_where_it_was_first_told_to_end() -> None:
    ours = books()
    hear(ours, told(1, state(WINDOW, final=True)))
    on = hear(ours, told(2, state(WINDOW, next=7)))
    assert on.facts == (WentBack(WINDOW, next=4, known=7),)
    assert (on.streams[WINDOW].next, on.streams[WINDOW].final) == (4, True)
    assert hear(ours, told(3, state(WINDOW, final=True, next=8))).facts == ()  # it was said
    assert hear(ours, told(4, state(WINDOW, final=True, next=3))).facts == (
        WentBack(WINDOW, next=3, known=4),
    )


def test_what_is_judged_beyond_the_end_shows_that_a_stream_went_back() -> None:
    found = hear(books(), told(1, state(WINDOW, final=True)), {WINDOW: Ranges.span(4, 6)})
    assert found.facts == (WentBack(WINDOW, next=4, known=7),)


def test_what_is_judged_above_a_loss_is_not_lost() -> None:
    judged = {WINDOW: Ranges.of([(2, 3)])}
    ours = books()
    found = hear(ours, told(1, state(WINDOW, oldest=4, dropped=((1, 3),))), judged)
    assert found.streams[WINDOW].floor == 2


def test_a_stream_that_is_closed_is_closed_again_even_where_there_is_no_room_for_others() -> None:
    ours = books(window=StreamRecord(floor=4, next=4, ordinal=1, final=True, closed=True))
    found = reconcile(PRINCIPAL, told(1, state(WINDOW, final=True, oldest=4)), ours, {}, 0)
    assert found is not None
    assert [acked.closed for acked in found.closed] == [4]


def test_what_is_remembered_of_a_sender_is_bounded() -> None:
    ours = books()
    for number in range(1, 50):
        heard = tuple(
            Position(epoch=f"{number:08x}{place:08x}", commits=number) for place in range(MAX_HEARD)
        )
        found = hear(ours, told(number, spool=f"{number:016x}", heard=heard))
        assert len(found.sender.lost) <= 2 * MAX_HEARD
        assert len(found.sender.beats) <= 16
        assert found.sender.lost[:MAX_HEARD] == heard
