import re
import sqlite3
from pathlib import Path
from uuid import UUID

import pytest
from vedette_archive import Batch, Fate, Writer, check
from vedette_schemas import Life, Ranges, SenderRecord, State, StreamRecord

from tests.archive.history import OUTCOMES, WINDOWS, alert, answer, command, judged, observed, run
from tests.messages import NOON

WRONG = [
    ("DELETE FROM observations WHERE number = 2", "its ranges hold 3, the tables 2 observations"),
    ("UPDATE ranges SET last = 2 WHERE last = 3", "observation 3 is there, but its ranges don't say so"),
    ("INSERT INTO ranges VALUES (1, 'archived', 4, 4)", "ranges archived from 1 and from 4 touch"),
    ("UPDATE streams SET final = 0", "closed, but not final"),
    ("UPDATE commands SET number = 99", "answered by an outcome that was never archived"),
    ("UPDATE commands SET number = NULL", r"it ended \(done\) without an outcome"),
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
            )
        )
        over = StreamRecord(floor=9, next=9, ordinal=1, final=True, closed=True)
        with writer.transaction() as books:
            books.heard("sensor@host-7", Life.STOPPED, NOON)
            books.keep("sensor@host-7", SenderRecord(), {WINDOWS: over})
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
