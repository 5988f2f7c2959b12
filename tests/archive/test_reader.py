import tempfile
import threading
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import ArchivedCommand, Batch, Cursor, Ending, OtherArchiveError, Reader, Stored, Writer
from vedette_schemas import NOTHING, Kind, State, Stream, StreamRecord

from tests.archive.history import CLIPBOARD, WINDOWS, alert, answer, command, observed
from tests.messages import SPOOL, at


def test_alerts_are_followed_in_steps_that_miss_none(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(alerts=tuple(alert(n) for n in range(1, 8))))
    seen: list[int] = []
    cursor = None
    while found := reader.alerts_after(cursor, limit=3):
        seen += [each.alert.id.int for each in found]
        cursor = found[-1].cursor
    assert seen == list(range(1, 8))
    assert cursor == reader.newest_cursor()


def test_a_cursor_of_another_archive_or_a_later_state_is_refused(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(alerts=(alert(),)))
    assert reader.alerts_after(Cursor(reader.name, 1)) == []
    for cursor in (Cursor("0" * 16, 1), Cursor(reader.name, 2)):
        with pytest.raises(OtherArchiveError):
            reader.alerts_after(cursor)


def test_the_newest_alerts_come_first_of_one_host_or_all(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(alerts=(alert(1), alert(2, host="host-8"), alert(3))))
    assert [found.alert.id for found in reader.newest_alerts(2)] == [UUID(int=3), UUID(int=2)]
    assert [found.alert.id.int for found in reader.newest_alerts(host="host-7")] == [3, 1]


@settings(max_examples=10, deadline=None)
@given(st.randoms())
def test_the_last_window_comes_in_the_order_it_came_over_kinds_and_pages(random: Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        with Writer(path) as writer, Reader(path) as reader:
            batches = [
                observed(1 + 100 * second, 100, stream, second)
                for second in range(12)
                for stream in (WINDOWS, CLIPBOARD)
            ]
            random.shuffle(batches)
            for batch in batches:
                writer.store(batch)
            found = list(reader.observations_since(at(2), [Kind.WINDOW, Kind.CLIPBOARD]))
    assert len(found) == 2 * 1_000
    assert len({(each.stream, each.number) for each in found}) == 2 * 1_000
    assert [each.received_at for each in found] == sorted(each.received_at for each in found)
    assert all(each.body == f'{{"n":{each.number}}}' for each in found)


def test_of_an_unknown_stream_nothing_is_archived(reader: Reader) -> None:
    stream = Stream("sensor@nobody", SPOOL, "window")
    assert reader.numbers(stream) == NOTHING
    assert reader.books.stream(stream) == StreamRecord()
    assert reader.books.streams_due("sensor@nobody") == []


def test_a_command_is_found_open_or_ended_with_its_alerts(writer: Writer, reader: Reader) -> None:
    waiting = alert(state=State.PENDING, command_id=UUID(int=7))
    writer.store(Batch(commands=(command(act="x.y.z"),), alerts=(waiting,)))
    found = reader.command(UUID(int=7))
    assert isinstance(found, ArchivedCommand)
    assert (found.ending, found.alerts, found.act) == (None, (waiting,), "x.y.z")
    assert found.order == command().order

    final = alert(command_id=UUID(int=7), done="expired")
    expired = answer(ending=Ending.EXPIRED, outcome=None)
    writer.store(Batch(answers=(expired,), alerts=(final,)))
    found = reader.command(UUID(int=7))
    assert found is not None
    assert (found.ending, found.alerts) == (Ending.EXPIRED, (final,))
    assert reader.command(UUID(int=8)) is None


def test_an_outcome_after_the_end_is_told_anew(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(alerts=(alert(done="expired"),)))
    cursor = reader.newest_cursor()
    late = alert(done="ended game")
    assert writer.store(Batch(alerts=(late,))).alerts == (late.id,)
    assert [found.alert for found in reader.alerts_after(cursor)] == [late]


def test_counts_tell_what_is_there(writer: Writer, reader: Reader) -> None:
    writer.store(observed(1, 5))
    writer.store(Batch(commands=(command(),), alerts=(alert(1), alert(2))))
    counts = reader.counts()
    assert (counts.streams, counts.archived, counts.alerts) == (1, 5, 2)
    assert (counts.commands, counts.open_commands, counts.dropped) == (1, 1, 0)


def test_a_reader_finds_an_archive_whose_writer_has_gone(path: Path) -> None:
    with Writer(path) as writer:
        writer.store(observed(1, 5))
    with Reader(path) as reader:
        assert reader.counts().archived == 5


def test_a_reader_neither_waits_for_a_writer_nor_holds_one_up(path: Path) -> None:
    with Writer(path) as writer, Reader(path, patience=0) as reader:
        stop, stored = threading.Event(), list[Stored]()

        def write() -> None:
            while not stop.is_set():
                stored.append(writer.store(observed(1 + 50 * len(stored), 50)))

        writer.store(observed(1, 50, CLIPBOARD))
        pages = reader.observations_since(at(-1), [Kind.CLIPBOARD])
        next(pages)  # one question stays half read
        thread = threading.Thread(target=write)
        thread.start()
        archived = [reader.counts().archived for _ in range(200)]
        before = len(stored)
        while len(stored) < before + 5 and thread.is_alive():
            stop.wait(0.01)
        stop.set()
        thread.join()
        assert archived == sorted(archived)
        assert reader.counts().archived == 50 * (1 + len(stored)) >= 50 * (before + 5)
