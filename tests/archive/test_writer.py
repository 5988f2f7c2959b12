import json
import sqlite3
import tempfile
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json
from vedette_archive import (
    MAX_UNREADABLE,
    ArchiveLockedError,
    Batch,
    Ending,
    Reader,
    Run,
    Writer,
    check,
)
from vedette_schemas import Kind, Ranges, State

from tests.archive.history import OUTCOMES, WINDOWS, alert, answer, command, judged, observed, run, unread
from tests.messages import NOON, at


def bodies(reader: Reader, kind: Kind = Kind.WINDOW) -> list[str]:
    return [found.body for found in reader.observations_since(at(-1e6), [kind])]


def test_what_is_stored_is_read_as_it_arrived(writer: Writer, reader: Reader) -> None:
    stored = writer.store(observed(1, 3))
    assert stored.numbers == {WINDOWS: Ranges.span(1, 3)}
    assert bodies(reader) == ['{"n":1}', '{"n":2}', '{"n":3}']


def test_storing_twice_is_storing_once(writer: Writer, reader: Reader) -> None:
    batch = Batch(
        runs=(run(1, 3), run(1, 1, OUTCOMES)),
        findings=(judged(),),
        commands=(command(),),
        answers=(answer(),),
        alerts=(alert(),),
    )
    first, again = writer.store(batch), writer.store(batch)
    assert (len(first.numbers), first.commands, first.alerts) == (2, (UUID(int=7),), (UUID(int=1),))
    assert (again.numbers, again.commands, again.answers, again.alerts) == ({}, (), (), ())
    assert reader.counts()[1:] == (4, 0, 0, 0, 0, 0, 1, 1, 0)


RUNS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 12)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(RUNS, max_size=6))
def test_ranges_are_the_set_of_stored_numbers(batches: list[list[tuple[int, int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive.db"
        held: set[int] = set()
        with Writer(path) as writer, Reader(path) as reader:
            for batch in batches:
                sent = {n for first, count in batch for n in range(first, first + count)}
                stored = writer.store(Batch(runs=tuple(run(*shape) for shape in batch)))
                assert stored.numbers.get(WINDOWS, Ranges()) == one_by_one(sent - held)
                held |= sent
            assert reader.numbers(WINDOWS) == one_by_one(held)
            assert sorted(bodies(reader)) == sorted(f'{{"n":{n}}}' for n in held)
        assert check(path) == []


def one_by_one(numbers: set[int]) -> Ranges:
    return Ranges.of((number, number) for number in numbers)


def test_an_unreadable_item_is_archived_raw_and_bounded(writer: Writer, reader: Reader, path: Path) -> None:
    stored = writer.store(unread(WINDOWS, b"\xff" * 100_000))
    assert stored.numbers == {WINDOWS: Ranges.span(1, 1)}
    rows = sqlite3.connect(path).execute("SELECT reason, length, length(body) FROM unreadable").fetchall()
    assert rows == [("too new", 100_000, MAX_UNREADABLE)]
    assert reader.numbers(WINDOWS) == Ranges.span(1, 1)


def test_a_large_batch_is_stored_whole(writer: Writer, reader: Reader, path: Path) -> None:
    body = '{"title":"' + "ü" * 300_000 + '"}'
    runs = tuple(Run(WINDOWS, 1 + 5 * n, 5, NOON, f"[{','.join([body] * 5)}]") for n in range(8))
    assert writer.store(Batch(runs=runs)).numbers == {WINDOWS: Ranges.span(1, 40)}
    assert bodies(reader) == [body] * 40
    assert check(path) == []


@pytest.mark.parametrize("text", ['"', "\\", "\x00\x1f", "\u2028", "\U0001f600", "'; --", "]}", "ß\x7f"])
def test_what_is_stored_is_what_was_written_whatever_it_says(
    writer: Writer, reader: Reader, text: str
) -> None:
    for number, body in enumerate((json.dumps({"t": text}), to_json({"t": text}).decode()), 1):
        writer.store(Batch(runs=(Run(WINDOWS, number, 1, NOON, f"[{body}]"),)))
        assert json.loads(bodies(reader)[-1]) == {"t": text}


def test_a_final_alert_is_followed_after_its_pending_one_and_takes_its_row(
    writer: Writer, reader: Reader
) -> None:
    pending, final = alert(state=State.PENDING), alert(done="ended game")
    writer.store(Batch(alerts=(pending, alert(2))))
    cursor = reader.alerts_after()[-1].cursor
    writer.store(Batch(alerts=(final,)))
    assert [found.alert for found in reader.alerts_after(cursor)] == [final]
    assert [found.alert for found in reader.alerts_after()] == [alert(2), final]


def test_what_is_judged_again_does_not_reopen_a_final_alert(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(alerts=(alert(),)))
    assert writer.store(Batch(alerts=(alert(state=State.PENDING),))).alerts == ()
    assert reader.alerts_after()[0].alert.state is State.FINAL


def test_a_command_is_open_until_it_is_answered(writer: Writer, reader: Reader) -> None:
    waiting = alert(state=State.PENDING, command_id=UUID(int=7))
    writer.store(Batch(commands=(command(), command(8, audience="enforcer@host-8")), alerts=(waiting,)))
    assert reader.open_commands("enforcer@host-7") == [command(alerts=(waiting,))]
    assert len(reader.open_commands()) == 2
    writer.store(Batch(runs=(run(stream=OUTCOMES),), answers=(answer(),), alerts=(alert(done="ended"),)))
    assert [found.id for found in reader.open_commands()] == [UUID(int=8)]


def test_a_late_outcome_overrules_that_nobody_answered_and_nothing_overrules_an_outcome(
    writer: Writer, path: Path
) -> None:
    writer.store(Batch(runs=(run(stream=OUTCOMES),), commands=(command(),)))
    expired = answer(ending=Ending.EXPIRED, outcome=None)
    given = [writer.store(Batch(answers=(each,))).answers for each in (expired, answer(), expired, answer())]
    assert [len(new) for new in given] == [1, 1, 0, 0]
    assert check(path) == []


def test_a_batch_that_fails_leaves_nothing_and_can_be_stored_again(
    writer: Writer, reader: Reader, path: Path
) -> None:
    bad = Batch(runs=(run(1, 3),), answers=(answer(ending=None),), alerts=(alert(),))
    object.__setattr__(bad, "alerts", (None,))
    with pytest.raises(AttributeError):
        writer.store(bad)
    assert reader.counts() == (0,) * 10
    assert writer.store(observed(1, 3)).numbers == {WINDOWS: Ranges.span(1, 3)}


def test_an_archive_locked_for_too_long_is_said_and_the_batch_can_be_stored_again(path: Path) -> None:
    with Writer(path, patience=0.2) as writer:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ArchiveLockedError, match="locked by another program"):
            writer.store(observed(1, 3))
        other.execute("ROLLBACK")
        other.close()
        assert writer.store(observed(1, 3)).numbers


def test_two_writers_store_the_same_once(path: Path) -> None:
    with Writer(path) as one, Writer(path) as other:
        assert one.name == other.name
        assert one.epoch != other.epoch
        assert one.store(observed(1, 3)).numbers
        assert other.store(observed(2, 4)).numbers == {WINDOWS: Ranges.span(4, 5)}
        assert one.store(observed(1, 9)).numbers == {WINDOWS: Ranges.span(6, 9)}
    assert check(path) == []
