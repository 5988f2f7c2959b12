"""What operators did, what is in force, what waits and what was undone: as the archive tells it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from vedette_archive import (
    Approved,
    ArchivedAct,
    ArchivedCommand,
    Batch,
    Ending,
    OpenCommand,
    Reader,
    Undone,
    Writer,
    check,
)
from vedette_schemas import Block, BlockedHost, Undo

from tests.archive.history import OUTCOMES, answer, command, run
from tests.messages import NOON, at

HOUR = 3600
ID = UUID(int=7)


def block(**changes: Any) -> OpenCommand:
    order = Block(target=BlockedHost(name="evil.test"), ttl_seconds=HOUR)
    return command(order=order, indicator="host|evil.test", **changes)


def outcome(number: int = 7, **changes: Any) -> Batch:
    return Batch(runs=(run(stream=OUTCOMES),), answers=(answer(number, **changes),))


def the(reader: Reader) -> ArchivedCommand:
    found = reader.command(ID)
    assert found is not None
    return found


@pytest.fixture
def blocked(writer: Writer) -> Writer:
    writer.store(Batch(commands=(block(),)))
    writer.store(outcome(until=at(HOUR)))
    return writer


def test_what_was_blocked_lasts_until_its_time_is_over(blocked: Writer, reader: Reader) -> None:
    (found,) = reader.lasting_commands(at(HOUR - 1))
    assert (found.id, found.until, found.indicator, found.lifted) == (
        ID,
        at(HOUR),
        "host|evil.test",
        False,
    )
    assert reader.lasting_commands(at(HOUR)) == []


def test_what_was_undone_goes_on_being_known_until_then(blocked: Writer, reader: Reader) -> None:
    undo = command(8, order=Undo(command_id=ID))
    undone = Undone(ID, "operator@anna", at(9), until=at(99))
    blocked.store(Batch(commands=(undo,), undone=(undone, Undone(ID, "operator@ben", at(10), at(99)))))
    (found,) = reader.lasting_commands(at(10))
    assert (found.undone_by, found.until, found.lifted) == ("operator@anna", at(HOUR), False)
    blocked.store(Batch(answers=(answer(8),)))
    assert the(reader).lifted


def test_what_the_host_released_by_itself_is_lifted_whoever_undid_it_first(
    blocked: Writer, reader: Reader
) -> None:
    undone = Undone(ID, "operator@anna", at(9), until=at(99))
    released = Undone(ID, "the console of host-7", at(10), at(99), lifted=True)
    blocked.store(Batch(undone=(undone, released, undone)))
    (found,) = reader.lasting_commands(at(10))
    assert (found.undone_by, found.until, found.lifted) == ("operator@anna", at(HOUR), True)


def test_what_waits_is_open_and_an_approval_gives_it_other_times(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(commands=(block(waits=True),)))
    assert [found.waits for found in reader.open_commands()] == [True]
    writer.store(Batch(approvals=(Approved(ID, "operator@anna", at(30), at(90), "x.y.z"),)))
    (found,) = reader.open_commands()
    assert (found.waits, found.ordered_by, found.act) == (False, "operator@anna", "x.y.z")
    assert (found.issued_at, found.expires_at) == (at(30), at(90))


def test_nothing_that_has_ended_is_approved(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(commands=(block(waits=True),), answers=(answer(ending=Ending.EXPIRED, outcome=None),)))
    writer.store(Batch(approvals=(Approved(ID, "operator@anna", at(30), at(90), "x.y.z"),)))
    assert the(reader).ordered_by is None


def test_what_was_done_waits_no_longer_even_if_its_approval_was_not_archived(
    writer: Writer, reader: Reader, path: Path
) -> None:
    writer.store(Batch(commands=(block(waits=True),)))
    writer.store(outcome(until=at(HOUR)))
    assert (the(reader).waits, the(reader).ending) == (False, Ending.DONE)
    assert check(path) == []


def test_an_outcome_says_more_than_that_it_was_withdrawn(writer: Writer, reader: Reader) -> None:
    withdrawn = answer(ending=Ending.WITHDRAWN, outcome=None)
    gone = Undone(ID, "operator@anna", at(1), until=at(99))
    writer.store(Batch(commands=(block(),), answers=(withdrawn,), undone=(gone,)))
    assert the(reader).until == at(99)
    writer.store(outcome(until=at(HOUR)))
    assert (the(reader).ending, the(reader).until) == (Ending.DONE, at(HOUR))
    writer.store(Batch(answers=(withdrawn,)))
    assert the(reader).ending is Ending.DONE


def test_an_act_is_stored_once_with_its_answer(writer: Writer, reader: Reader) -> None:
    act = ArchivedAct(ID, "operator@anna", NOON, "undo", done=True, words="it is", token="x.y.z")
    other = ArchivedAct(ID, "operator@anna", at(1), "undo", done=False, words="not", token="x.y.z")
    writer.store(Batch(acts=(act, other)))
    assert reader.act(ID) == act
    assert reader.act(UUID(int=8)) is None


def test_the_newest_commands_come_first(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(commands=(command(1), command(2, issued_at=at(5)), command(3))))
    assert [found.id.int for found in reader.newest_commands(2)] == [2, 1]


def test_a_command_is_found_by_the_beginning_of_its_id(writer: Writer, reader: Reader) -> None:
    writer.store(Batch(commands=(command(1), command(2), command(0xA << 124))))
    assert [name.int for name in reader.command_ids("0000")] == [1, 2]
    assert len(reader.command_ids("a")) == 1
    assert reader.command_ids("%") == reader.command_ids("_") == []


def test_all_of_it_agrees(blocked: Writer, path: Path) -> None:
    undo = command(8, order=Undo(command_id=ID))
    blocked.store(Batch(commands=(undo,), undone=(Undone(ID, "operator@anna", at(9), at(99)),)))
    assert check(path) == []
