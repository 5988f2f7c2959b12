import sqlite3
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import Batch, Ending, Fate, Place, Reader, Retention, Writer, check
from vedette_schemas import Kind, Life, Ranges, SenderRecord, Stream, StreamRecord

from tests.archive.history import (
    CLIPBOARD,
    OUTCOMES,
    WINDOWS,
    alert,
    answer,
    command,
    judged,
    observed,
    run,
    unread,
)
from tests.messages import NOON, at


def held(reader: Reader, kind: Kind) -> int:
    return sum(1 for _ in reader.observations_since(at(-1e8), [kind]))


def remove_all(writer: Writer, days: float, retention: Retention | None = None) -> int:
    removed = 0
    while step := writer.remove_expired(retention or Retention(), NOON + timedelta(days=days)):
        removed += step
    return removed


@pytest.mark.parametrize(
    ("stream", "days"),
    [(CLIPBOARD, 7), (WINDOWS, 30), (WINDOWS._replace(kind="connection"), 30), (OUTCOMES, 365)],
)
def test_each_kind_is_kept_as_long_as_the_settings_say(
    writer: Writer, reader: Reader, path: Path, stream: Stream, days: int
) -> None:
    writer.store(observed(1, 3, stream))
    assert remove_all(writer, days - 0.01) == 0
    assert held(reader, Kind(stream.kind)) == 3
    assert remove_all(writer, days + 0.01) == 3
    assert held(reader, Kind(stream.kind)) == 0
    assert reader.numbers(stream) == Ranges.span(1, 3)
    assert check(path) == []


def test_what_was_removed_is_not_stored_again(writer: Writer, reader: Reader, path: Path) -> None:
    writer.store(observed(1, 3))
    remove_all(writer, 31)
    assert writer.store(observed(1, 4)).numbers == {WINDOWS: Ranges.span(4, 4)}
    assert held(reader, Kind.WINDOW) == 1
    assert check(path) == []


def test_alerts_findings_and_ended_commands_go_after_a_year_and_open_commands_stay(
    writer: Writer, reader: Reader, path: Path
) -> None:
    ended = answer(ending=Ending.EXPIRED, outcome=None)
    writer.store(
        Batch(
            runs=(run(),),
            findings=(judged(),),
            commands=(command(7), command(8)),
            answers=(ended,),
            alerts=(alert(),),
        )
    )
    assert remove_all(writer, 364) == 1  # the window
    cursor = reader.newest_cursor()
    assert remove_all(writer, 366) == 3
    assert (reader.counts().alerts, reader.counts().commands, reader.counts().open_commands) == (0, 1, 1)
    writer.store(Batch(alerts=(alert(2),)))
    assert [found.alert.id.int for found in reader.alerts_after(cursor)] == [2]
    assert check(path) == []


def test_an_unreadable_item_goes_as_early_as_what_was_copied(writer: Writer, path: Path) -> None:
    writer.store(unread(CLIPBOARD))
    assert remove_all(writer, 6.9) == 0
    assert remove_all(writer, 7.1) == 1
    assert check(path) == []


def test_what_people_copied_is_overwritten_when_it_is_removed(path: Path) -> None:
    secret = b"the secret words"
    with Writer(path) as writer:
        writer.store(unread(CLIPBOARD, secret))
        remove_all(writer, 8)
    assert secret not in path.read_bytes()


def test_a_step_removes_no_more_than_it_may(writer: Writer) -> None:
    writer.store(observed(1, 30))
    writer.store(observed(1, 30, CLIPBOARD))
    later = NOON + timedelta(days=31)
    steps = [writer.remove_expired(Retention(), later, step=25) for _ in range(4)]
    assert steps == [25, 25, 10, 0]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 9), st.integers(0, 60)), max_size=12))
def test_retention_keeps_the_ranges(runs: list[tuple[int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        with Writer(path) as writer, Reader(path) as reader:
            for day, (first, count, late) in enumerate(runs):
                writer.store(observed(first, count, second=(day - late) * 86_400))
            before = reader.numbers(WINDOWS)
            remove_all(writer, 5)
            assert reader.numbers(WINDOWS) == before
            assert reader.counts().archived - reader.counts().expired == held(reader, Kind.WINDOW)
        assert check(path) == []


def test_every_kind_has_its_days() -> None:
    assert {*Kind} <= {*Retention.model_fields}


SENDER = "sensor@host-7"
OVER = StreamRecord(floor=6, next=6, ordinal=1, final=True, closed=True)


def end(writer: Writer, record: StreamRecord = OVER, day: float = 0) -> None:
    """Archive three of five and let the sender tell that the stream is over."""
    writer.store(observed(1, 3))
    with writer.transaction() as books:
        books.heard(SENDER, Life.RUNNING, later(day))
        books.declare(WINDOWS, Fate.DROPPED, Ranges.span(4, 5))
        books.keep(SENDER, SenderRecord(), {WINDOWS: record})


def hear(writer: Writer, day: float, life: Life = Life.RUNNING) -> None:
    with writer.transaction() as books:
        books.heard(SENDER, life, later(day))


def later(days: float) -> datetime:
    return NOON + timedelta(days=days)


@pytest.mark.parametrize("record", [OVER, replace(OVER, closed=False, vanished=True)])
def test_a_stream_that_is_over_is_removed_once_its_sender_has_long_forgotten_it_and_goes_on_counting(
    writer: Writer, reader: Reader, path: Path, record: StreamRecord
) -> None:
    end(writer, record)
    assert remove_all(writer, 29) == 0
    before = reader.counts()
    hear(writer, 31)
    assert remove_all(writer, 31) == 3 + 1 + 2  # observations, the stream, its ranges
    assert reader.books.stream(WINDOWS) == StreamRecord()
    assert reader.counts() == before._replace(streams=0, expired=3)
    assert check(path) == []
    writer.store(observed(1, 2))
    assert reader.counts().archived == 5
    assert check(path) == []


def test_a_stream_stays_as_long_as_its_sender_may_speak_of_it(
    writer: Writer, reader: Reader, path: Path
) -> None:
    end(writer)
    assert remove_all(writer, 100) == 3  # its sender was not heard since: it may not know that it is closed
    end(writer, day=100)
    hear(writer, 129)
    assert remove_all(writer, 200) == 0
    assert reader.books.stream(WINDOWS) == OVER
    hear(writer, 131)
    assert remove_all(writer, 200) == 3


def test_a_stream_that_is_not_over_is_never_removed(writer: Writer, reader: Reader) -> None:
    record = replace(OVER, closed=False, final=False)
    end(writer, record)
    hear(writer, 5000)
    assert remove_all(writer, 5000) == 3
    assert reader.books.stream(WINDOWS) == record


def test_a_stream_stays_as_long_as_a_command_rests_on_its_outcome(writer: Writer, path: Path) -> None:
    writer.store(Batch(runs=(run(stream=OUTCOMES),), commands=(command(),), answers=(answer(),)))
    with writer.transaction() as books:
        books.heard(OUTCOMES.principal, Life.STOPPED, NOON)
        closed = StreamRecord(floor=2, next=2, ordinal=1, final=True, closed=True)
        books.keep(OUTCOMES.principal, SenderRecord(), {OUTCOMES: closed})
    assert remove_all(writer, 366, Retention(alerts=500)) == 1
    assert check(path) == []
    # The command; the sender, silent since; then its stream, with the range; what the audit said of it.
    assert remove_all(writer, 501) == 1 + 1 + 2 + 2
    assert check(path) == []


def test_a_program_that_stopped_is_forgotten_after_400_days_of_silence_and_no_other(
    writer: Writer, reader: Reader
) -> None:
    with writer.transaction() as books:
        for life in Life:
            books.heard(f"sensor@{life}", life, NOON)
    assert remove_all(writer, 399) == 0
    assert remove_all(writer, 401) == 1
    assert [heard.principal for heard in reader.senders()] == ["sensor@gone", "sensor@running"]


def test_deaths_are_forgotten_after_a_month(writer: Writer, reader: Reader) -> None:
    with writer.transaction() as books:
        books.died(Place(WINDOWS, 1), NOON)
    assert remove_all(writer, 29) == 0
    assert remove_all(writer, 31) == 1
    assert reader.deaths() == {}


def test_the_newest_ten_thousand_epochs_are_kept(writer: Writer, reader: Reader, path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for table, columns in (("epochs", "epoch, began_at"), ("lost_epochs", "epoch")):
            values = "?, 0" if "began" in columns else "?"
            rows = [(f"{number:016x}",) for number in range(10_005)]
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)
    connection.close()
    with Writer(path) as newest:
        assert remove_all(newest, 0) == 7 + 5
        assert reader.books.position.epoch == newest.epoch
    assert reader.books.commits(writer.epoch) is None
    assert reader.books.commits(f"{6:016x}") == 0
    assert reader.books.is_known_lost(f"{5:016x}")
    assert not reader.books.is_known_lost(f"{4:016x}")
    writer.store(observed())
    assert reader.books.position.epoch == writer.epoch  # who still writes has not ended
    assert check(path) == []


def test_what_hosts_claim_can_grow_no_total_beyond_what_can_be_held(
    writer: Writer, reader: Reader, path: Path
) -> None:
    most = 2**63 - 2
    with writer.transaction() as books:
        books.heard(SENDER, Life.RUNNING, NOON)
        for kind in ("window", "process"):
            stream = WINDOWS._replace(kind=kind)
            record = StreamRecord(floor=most + 1, next=most + 1, final=True, closed=True)
            books.keep(SENDER, SenderRecord(), {stream: record})
            books.declare(stream, Fate.DROPPED, Ranges.span(1, most))
    hear(writer, 31)
    remove_all(writer, 31)
    assert reader.counts().dropped == most + 1
    assert check(path) == []
