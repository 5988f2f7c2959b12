import re
import sqlite3
from pathlib import Path
from uuid import UUID

import pytest
from vedette_archive import Batch, Fate, Hidden, Suppression, Writer, check
from vedette_archive.rules import RULES
from vedette_schemas import Life, Ranges, SenderRecord, State, StreamRecord

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
from tests.messages import NOON

WRONG = [
    ("DELETE FROM observations WHERE number = 2", "its ranges hold 3, the tables 2 observations"),
    ("UPDATE ranges SET last = 2 WHERE last = 3", "observation 3 is there, but its ranges don't say so"),
    ("UPDATE unreadable SET number = 7", "unreadable item 7 is there, but its ranges don't say so"),
    ("UPDATE unreadable SET number = 1, stream_id = 1", "number 1 is there both as"),
    ("UPDATE observations SET kind = 'process'", "observation 1 is of kind process"),
    ("UPDATE ranges SET last = 0 WHERE last = 3", "archived from 1 to 0 is no range"),
    ("UPDATE ranges SET fate = 'eaten'", "eaten from 1 to 3 is no range"),
    ("INSERT INTO ranges VALUES (1, 'archived', 4, 4)", "ranges archived from 1 and from 4 touch"),
    ("INSERT INTO ranges VALUES (1, 'missing', 2, 3)", "number 2 ended as missing and as something else"),
    ("DELETE FROM ranges WHERE first = 4", "all below 9 should be settled, but of 5 it is not known"),
    ("UPDATE streams SET declared = 5", "numbers up to 8 are declared lost, but the stream says 5"),
    ("UPDATE streams SET final = 0", "closed, but not final"),
    ("UPDATE streams SET vanished = 1", "both closed and vanished"),
    ("UPDATE streams SET closed = 0", "since when it is over is known, but it is not over"),
    ("UPDATE streams SET floor = 0", r"its numbers don't make sense \(floor 0"),
    ("UPDATE streams SET host = 'host-9'", "belongs to host host-9"),
    ("UPDATE senders SET beats = '['", "sender sensor@host-7: what is known of its heartbeats"),
    ("UPDATE senders SET told = '['", "sender sensor@host-7: what is known of its heartbeats"),
    ("UPDATE senders SET life = NULL", "sender sensor@host-7: it was heard, but how it was"),
    ("UPDATE epochs SET commits = -1", "epoch [0-9a-f]{16}: -1 commits"),
    ("DELETE FROM epochs", "last commit was made in epoch [0-9a-f]{16}, which is not known"),
    ("INSERT INTO forgotten VALUES ('missing', -1)", "-1 numbers of forgotten streams ended as missing"),
    ("INSERT INTO followers VALUES ('mqtt', 9)", "follower mqtt: it has come to alert 9, and there are 1"),
    ("UPDATE findings SET number = 99", "a finding is about number 99, which was never archived"),
    ("UPDATE commands SET number = 99", "answered by an outcome that was never archived"),
    ("UPDATE commands SET number = NULL", r"it ended \(done\) without an outcome"),
    ("UPDATE commands SET waits = 1", r"7: it ended \(done\) though nobody approved it"),
    ("UPDATE commands SET until = 9, ending = 'expired'", "how long it lasts is known, but it was neither"),
    ("UPDATE commands SET action = 'block'", "a block or an isolation was carried out, and how long"),
    ("UPDATE commands SET undoes = 'x'", "7: an undo that doesn't say of what"),
    (
        "INSERT INTO acts VALUES ('a', 'operator@anna', 1, 'eat', 1, '', NULL, '')",
        "act a: eat, which is nothing that an operator can do",
    ),
    ("UPDATE hidden SET suppression_id = 'x'", "hidden alert .*2: suppression x, which hid it, is not known"),
    ("UPDATE suppressions SET hidden = 0", "5: it has hidden 0 alerts, and 1 of them are kept"),
    ("UPDATE alerts SET state = 'pending'", "waits for command .*7, which has ended or is not known"),
    ("DELETE FROM streams WHERE kind = 'window'", "belongs to a stream that is not there"),
]


@pytest.fixture
def whole(path: Path) -> Path:
    with Writer(path) as writer:
        writer.store(observed(1, 3))
        writer.store(
            Batch(
                runs=(run(stream=OUTCOMES),),
                findings=(judged(),),
                commands=(command(),),
                answers=(answer(),),
                alerts=(alert(state=State.FINAL, command_id=UUID(int=7)),),
                suppressing=(
                    Suppression(UUID(int=5), "operator@anna", "why", NOON, NOON, host="host-7"),
                    Hidden(UUID(int=5), alert(2)),
                ),
            )
        )
        over = StreamRecord(floor=9, next=9, ordinal=1, final=True, closed=True)
        with writer.transaction() as books:
            books.heard("sensor@host-7", Life.STOPPED, NOON)
            books.keep("sensor@host-7", SenderRecord(), {WINDOWS: over})
            books.store(unread(CLIPBOARD))
            books.declare(WINDOWS, Fate.DROPPED, Ranges.span(4, 8))
    return path


def test_a_whole_archive_has_nothing_wrong(whole: Path) -> None:
    assert check(whole) == []


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_disagrees_is_found(whole: Path, change: str, said: str) -> None:
    with sqlite3.connect(whole) as connection:
        connection.execute(change)
    connection.close()
    found = check(whole)
    assert any(re.search(said, line) for line in found), found


def test_each_rule_is_broken_by_a_test(whole: Path) -> None:
    assert len(WRONG) > len(RULES)


def test_many_wrong_things_of_a_sort_are_not_all_spelled_out(whole: Path) -> None:
    with Writer(whole) as writer:
        writer.store(observed(10, 50))
    with sqlite3.connect(whole) as connection:
        connection.execute("UPDATE observations SET kind = 'process'")
    connection.close()
    found = check(whole)
    assert len(found) == 21
    assert found[-1] == "… and more of this sort"


def test_how_far_a_check_has_come_is_told(whole: Path) -> None:
    shares: list[float] = []
    check(whole, shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_what_came_of_an_observation_that_was_given_up_is_kept(path: Path) -> None:
    with Writer(path) as writer:
        with writer.transaction() as books:
            for stream in (WINDOWS, OUTCOMES):
                books.keep(stream.principal, SenderRecord(), {stream: StreamRecord(floor=2)})
                books.declare(stream, Fate.MISSING, Ranges.span(1, 1))
        late = Batch(
            runs=(run(), run(stream=OUTCOMES)),
            findings=(judged(),),
            commands=(command(),),
            answers=(answer(),),
        )
        assert writer.store(late).numbers == {}
    assert check(path) == []
