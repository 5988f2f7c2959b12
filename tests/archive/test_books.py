import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import Batch, Books, Fate, Place, Reader, Told, Writer, check
from vedette_schemas import (
    NOTHING,
    Kind,
    Life,
    Position,
    Ranges,
    SenderRecord,
    SpoolState,
    Stream,
    StreamRecord,
    StreamState,
)
from vedette_transport.delivery import (
    ArchiveWentBack,
    Dropped,
    LostWithArchive,
    Missing,
    Reconciled,
    reconcile,
)
from vedette_transport.delivery import Batch as Taken
from vedette_transport.delivery import Ledger as Asked

from tests.archive.history import WINDOWS, alert, observed, run
from tests.messages import NOON, at
from tests.transport.delivery import stores

SENDER = "sensor@host-7"
TOLD = Told("0.1.0", {"mode": "enforce"}, held=3)
SPOOLS = ("0" * 16, "1" * 16)
STREAMS = [Stream(SENDER, spool, kind) for spool in SPOOLS for kind in ("window", "process")]
FATES = {Dropped: Fate.DROPPED, Missing: Fate.MISSING, LostWithArchive: Fate.LOST}


def write(books: Books, found: Reconciled) -> None:
    books.keep(found.principal, found.sender, found.streams)
    for fact in found.facts:
        match fact:
            case Dropped(stream, numbers) | Missing(stream, numbers) | LostWithArchive(stream, numbers):
                books.declare(stream, FATES[type(fact)], numbers)
            case ArchiveWentBack(epochs):
                books.note_lost(epochs)
            case _:
                pass


@st.composite
def heartbeats(draw: st.DrawFn) -> SpoolState:
    """Return what any sender may claim, true or not."""
    streams: list[StreamState] = []
    for stream in draw(st.lists(st.sampled_from(STREAMS), max_size=4)):
        following = draw(st.integers(1, 40))
        first = draw(st.integers(1, 40))
        streams.append(
            StreamState(
                spool=stream.spool,
                kind=Kind(stream.kind),
                ordinal=draw(st.integers(1, 3)),
                final=draw(st.booleans()),
                next=following,
                oldest=draw(st.integers(1, following)),
                dropped=draw(st.sampled_from([(), ((first, first + 5),)])),
            )
        )
    heard = draw(st.sampled_from([(), (Position(epoch="a" * 16, commits=3),)]))
    return SpoolState(
        spool=draw(st.sampled_from(SPOOLS)),
        ordinal=draw(st.integers(1, 3)),
        number=draw(st.integers(1, 50)),
        complete=draw(st.booleans()),
        streams=tuple(streams),
        heard=heard,
    )


REPORTS = st.tuples(st.sampled_from(STREAMS), st.integers(1, 40), st.integers(1, 12))
STEPS = st.lists(st.one_of(st.lists(REPORTS, max_size=3), heartbeats()), max_size=12)


@settings(max_examples=50, deadline=None)
@given(STEPS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_books_are_those_of_the_model_and_each_number_ends_as_one_thing(
    steps: list[list[tuple[Stream, int, int]] | SpoolState], other: list[bool]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        archive = stores.Archive()
        with Writer(path) as one, Writer(path) as two, Reader(path) as reader:
            writers = [(one, stores.Books(archive, one.epoch)), (two, stores.Books(archive, two.epoch))]
            for step, by_other in zip(steps, other, strict=False):
                writer, model = writers[by_other]
                if isinstance(step, SpoolState):
                    beat(writer, model, step)
                else:
                    store(writer, model, step)
                assert_same(reader.books, model)
            assert_one_fate(reader, writers[0][1])
        assert check(path) == []


def store(writer: Writer, model: stores.Books, reports: list[tuple[Stream, int, int]]) -> None:
    taken = Taken()
    for stream, first, count in reports:
        taken.runs[stream] = taken.runs.get(stream, NOTHING) | Ranges.span(first, first + count - 1)
    held = set(model.archive.observations)
    model.commit(taken, {(stream, n): b"" for stream, numbers in taken.runs.items() for n in numbers})
    stored = writer.store(Batch(runs=tuple(run(first, count, stream) for stream, first, count in reports)))
    new = {(stream, number) for stream, numbers in stored.numbers.items() for number in numbers}
    assert new == set(model.archive.observations) - held


def beat(writer: Writer, model: stores.Books, told: SpoolState) -> None:
    expected = reconcile(SENDER, told, model, {})
    with writer.transaction() as books:
        found = reconcile(SENDER, told, books, {})
        assert found == expected
        if found is not None:
            write(books, found)
    if expected is None:
        model.commit(Taken(), {})
    else:
        model.write(expected)


def assert_same(books: Asked, model: stores.Books) -> None:
    assert books.position == model.position
    assert books.sender(SENDER) == model.sender(SENDER)
    assert set(books.streams_due(SENDER)) == set(model.streams_due(SENDER))
    assert {stream: books.stream(stream) for stream in STREAMS} == {
        stream: model.stream(stream) for stream in STREAMS
    }
    for epoch in (*model.archive.epochs, "a" * 16):
        assert books.commits(epoch) == model.commits(epoch)
        assert books.is_known_lost(epoch) == model.is_known_lost(epoch)


def assert_one_fate(reader: Reader, model: stores.Books) -> None:
    for stream in STREAMS:
        ended = [reader.numbers(stream, fate) for fate in Fate]
        assert set(ended[0]) == {n for its, n in model.archive.observations if its == stream}
        settled = set(range(1, model.stream(stream).floor)) | set(ended[0])
        assert sorted(number for numbers in ended for number in numbers) == sorted(settled)


NUMBERS = st.sets(st.integers(1, 20), max_size=8)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Fate), NUMBERS), max_size=8))
def test_an_archived_number_is_not_lost_whatever_is_declared_and_else_the_last_word_holds(
    said: list[tuple[Fate, set[int]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        fates: dict[int, Fate] = {}
        with Writer(path) as writer, Reader(path) as reader:
            for fate, numbers in said:
                if fate is Fate.ARCHIVED:
                    writer.store(Batch(runs=tuple(run(number) for number in numbers)))
                    fates |= dict.fromkeys(numbers, fate)
                    continue
                with writer.transaction() as books:
                    books.declare(WINDOWS, fate, Ranges.of((number, number) for number in numbers))
                fates |= {n: fate for n in numbers if fates.get(n) is not Fate.ARCHIVED}
            found = {number: fate for fate in Fate for number in reader.numbers(WINDOWS, fate)}
            assert found == fates
            counts = reader.counts()
            assert counts.archived + counts.dropped + counts.missing + counts.lost == len(fates)
        assert check(path) == []


def test_what_is_below_the_floor_is_not_archived_any_more(writer: Writer, reader: Reader, path: Path) -> None:
    with writer.transaction() as books:
        books.keep(SENDER, SenderRecord(), {WINDOWS: StreamRecord(floor=4)})
        books.declare(WINDOWS, Fate.DROPPED, Ranges.span(1, 3))
    assert writer.store(observed(1, 5)).numbers == {WINDOWS: Ranges.span(4, 5)}
    assert reader.books.stream(WINDOWS) == StreamRecord(floor=4, archived=Ranges.span(4, 5))
    assert writer.store(observed(1, 5)).numbers == {}
    assert check(path) == []


def test_losses_are_told_by_host(writer: Writer, reader: Reader) -> None:
    other = WINDOWS._replace(principal="sensor@host-8")
    with writer.transaction() as books:
        books.store(observed(1, 5))
        books.declare(WINDOWS, Fate.DROPPED, Ranges.span(6, 7))
        books.declare(WINDOWS._replace(kind="process"), Fate.DROPPED, Ranges.span(1, 3))
        books.declare(other, Fate.MISSING, Ranges.span(1, 1))
    assert reader.losses() == {"host-7": {Fate.DROPPED: 5}, "host-8": {Fate.MISSING: 1}}


def test_a_host_is_losing_for_as_long_as_its_loss_was_told_lately(writer: Writer, reader: Reader) -> None:
    with writer.transaction() as books:
        books.declare(WINDOWS, Fate.DROPPED, Ranges.span(1, 3))
    told = alert(1, detector="dropped"), alert(2, host="host-8", detector="dropped"), alert(3, at=at(99))
    writer.store(Batch(alerts=told))
    assert reader.losing(NOON) == {"host-7"}
    assert reader.losing(at(1)) == frozenset()


def test_nothing_is_declared_archived(writer: Writer) -> None:
    with pytest.raises(ValueError, match="can't be declared archived"), writer.transaction() as books:
        books.declare(WINDOWS, Fate.ARCHIVED, Ranges.span(1, 3))


def test_a_claim_of_any_size_breaks_no_count(writer: Writer, reader: Reader, path: Path) -> None:
    most = 2**63 - 2
    with writer.transaction() as books:
        for kind in ("window", "process"):
            stream = WINDOWS._replace(kind=kind)
            books.keep(SENDER, SenderRecord(), {stream: StreamRecord(floor=most + 1, next=most + 1)})
            books.declare(stream, Fate.MISSING, Ranges.span(1, most))
    assert reader.counts().missing >= most
    assert check(path) == []


def test_a_transaction_that_fails_leaves_nothing_and_is_no_commit(writer: Writer, reader: Reader) -> None:
    before = reader.books.position

    def fail(books: Books) -> None:
        books.store(observed(1, 3))
        books.heard(SENDER, Life.RUNNING, NOON)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writer.transaction() as books:
        fail(books)
    assert reader.books.position == before
    assert reader.counts().archived == 0
    assert reader.senders() == []
    writer.store(Batch())
    assert reader.books.position.commits == before.commits + 1


def test_a_transaction_reads_what_it_wrote_and_others_do_not_before_its_end(
    writer: Writer, reader: Reader
) -> None:
    with writer.transaction() as books:
        books.store(observed(1, 3))
        assert books.stream(WINDOWS).archived == Ranges.span(1, 3)
        assert reader.books.stream(WINDOWS) == StreamRecord()
    assert reader.books.stream(WINDOWS).archived == Ranges.span(1, 3)


def test_a_program_is_known_as_it_was_last_heard_with_streams_or_without(
    writer: Writer, reader: Reader
) -> None:
    with writer.transaction() as books:
        books.heard("enforcer@host-8", Life.RUNNING, NOON, TOLD)
        books.keep(SENDER, SenderRecord(beats=(("0" * 16, 3),)), {})
    with writer.transaction() as books:
        books.heard("enforcer@host-8", Life.GONE, at(5))
    assert reader.senders() == [("enforcer@host-8", Life.GONE, at(5), TOLD)]
    assert reader.books.sender(SENDER).beats == (("0" * 16, 3),)
    assert reader.books.sender("enforcer@host-8") == SenderRecord()


def test_a_follower_never_goes_back(writer: Writer, reader: Reader) -> None:
    assert reader.follower("mqtt") == 0
    for sequence in (3, 7, 5):
        with writer.transaction() as books:
            books.followed("mqtt", sequence)
    assert reader.follower("mqtt") == 7


def stored(books: Books) -> None:
    books.store(observed(2, 5))


def survived(books: Books) -> None:
    books.survived(Place(WINDOWS, 4))


@pytest.mark.parametrize("end", [stored, survived])
def test_deaths_at_an_observation_are_counted_until_it_is_over(
    writer: Writer, reader: Reader, path: Path, end: Callable[[Books], Any]
) -> None:
    place, other = Place(WINDOWS, 4), Place(WINDOWS, 9)
    with writer.transaction() as books:
        assert [books.died(place), books.died(place), books.died(other)] == [1, 2, 1]
    assert reader.deaths() == {place: 2, other: 1}
    with writer.transaction() as books:
        end(books)
    assert reader.deaths() == {other: 1}
    assert check(path) == []


def test_a_run_that_holds_less_than_it_says_is_not_said_to_be_archived(
    writer: Writer, reader: Reader
) -> None:
    whole = run(1, 3)
    for items in ("[]", '[{"n":1},null,{"n":3}]', '[{"n":1},2,"3"]'):
        short = type(whole)(WINDOWS, 1, 3, NOON + timedelta(1), items)
        with pytest.raises(ValueError, match="a run of 3 items that holds"):
            writer.store(Batch(runs=(short,)))
    assert reader.books.stream(WINDOWS) == StreamRecord()


def test_a_closed_stream_opens_again_when_something_from_beyond_its_end_is_archived(
    writer: Writer, reader: Reader, path: Path
) -> None:
    closed = StreamRecord(floor=4, next=4, ordinal=1, final=True, closed=True)
    writer.store(observed(1, 3))
    with writer.transaction() as books:
        books.heard(WINDOWS.principal, Life.RUNNING, NOON)
        books.keep(WINDOWS.principal, SenderRecord(), {WINDOWS: closed})
    writer.store(observed(2, 2))
    assert reader.books.stream(WINDOWS).closed
    writer.store(observed(6, 1))
    assert not reader.books.stream(WINDOWS).closed
    assert check(path) == []
