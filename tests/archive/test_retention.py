import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import Batch, Ending, Reader, Retention, Writer, check
from vedette_schemas import Kind, Ranges, Stream

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


def remove_all(writer: Writer, days: float) -> int:
    removed = 0
    while step := writer.remove_expired(Retention(), NOON + timedelta(days=days)):
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
