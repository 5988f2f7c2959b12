"""The queue's file."""

import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_analyzer.notifying.queue import Queue
from vedette_analyzer.notifying.standing import look
from vedette_archive import Cursor, Writer
from vedette_schemas import SettingsError, State

from tests.analyzer.notifying.routes import UTC_ZONE, route
from tests.analyzer.notifying.telling import alert, match, origin

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LANES = {"officer": route(), "hr": route(severity="critical")}


@pytest.mark.root
@pytest.mark.system
def test_a_disk_that_is_full_loses_nothing(tmp_path: Path) -> None:
    command = ["unshare", "--mount", sys.executable, "-m", "tests.analyzer.notifying.filling", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.splitlines() == [
        "database or disk is full",
        "followed up to the last that was taken: True",
        "takes it when there is room: True",
        "nothing is lost: True",
        "all is told: True",
    ]


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    Writer(tmp_path / "archive.db").close()
    with pytest.raises(SettingsError, match=r"archive.db: is another program's database: name another file"):
        Queue(tmp_path / "archive.db")


def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_bytes(b"not a database, and more of it " * 100)
    with pytest.raises(SettingsError, match=r"can't be used \(file is not a database\): move it away"):
        Queue(tmp_path / "queue.db")


def test_one_that_is_damaged_within_is_refused_in_one_line(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    queue.take([alert(at=NOW, summary=f"{n} {'x' * 900}") for n in range(50)], LANES, NOW, UTC_ZONE)
    queue.close()
    with (tmp_path / "queue.db").open("r+b") as file:
        file.seek(file.seek(0, 2) // 2)
        file.write(b"\xff" * 8_192)
    with pytest.raises(SettingsError, match=r"queue.db: can't be used \(.*\): move it away"):
        Queue(tmp_path / "queue.db")


def test_what_can_not_be_read_holds_up_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    queue = Queue(tmp_path / "queue.db")
    lanes = {name: route(fold_minutes=0) for name in ("officer", "hr")}
    queue.take([alert(at=NOW)], lanes, NOW, UTC_ZONE)
    queue.pack("officer", NOW)
    queue.take([alert(at=NOW), alert(at=NOW)], lanes, NOW, UTC_ZONE)
    queue.close()
    with sqlite3.connect(tmp_path / "queue.db") as database:
        database.execute("UPDATE outgoing SET body = '{}'")
        where = "lane = 'officer' AND key = (SELECT min(key) FROM waiting WHERE lane = 'officer')"
        database.execute(f"UPDATE waiting SET item = 'x' WHERE {where}")
    database.close()
    queue = Queue(tmp_path / "queue.db")
    assert queue.outgoing("officer") is None
    assert queue.depth("officer").alerts + queue.depth("hr").alerts == 4
    assert caplog.text.count("can't be read, and is told no more") == 2
    queue.pack("officer", NOW)
    queue.pack("hr", NOW)
    queue.close()


def test_a_file_that_others_could_read_is_its_owners_alone_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "queue.db").touch(0o644)
    (tmp_path / "queue.db").chmod(0o644)
    Queue(tmp_path / "queue.db").close()
    assert stat.S_IMODE((tmp_path / "queue.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("digest", [None, "daily"])
def test_what_came_while_the_clock_was_wrong_is_told_when_it_is_set_back(
    tmp_path: Path, digest: str | None
) -> None:
    queue, lane = Queue(tmp_path / "queue.db"), route(digest=digest)
    years = timedelta(days=3_650)
    queue.take([alert(state=State.PENDING)], {"officer": lane}, NOW + years, UTC_ZONE)
    due = queue.due("officer", lane, NOW, UTC_ZONE)
    assert due == (NOW if digest is None else NOW.replace(hour=7) + timedelta(days=1))
    assert queue.due("officer", lane, NOW + timedelta(days=2), UTC_ZONE) == NOW + timedelta(days=2)
    queue.fails("officer", "away", NOW + years)
    assert queue.fails("officer", "away", NOW).since == NOW
    queue.close()


def test_a_newer_one_is_refused(tmp_path: Path) -> None:
    Queue(tmp_path / "queue.db").close()
    with sqlite3.connect(tmp_path / "queue.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(SettingsError, match="was written by a newer Vedette"):
        Queue(tmp_path / "queue.db")


def test_what_waits_is_seen_from_outside_while_it_is_used(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    queue.take([alert(at=NOW), alert(at=NOW)], LANES, NOW, UTC_ZONE)
    queue.fails("hr", "no route to host", NOW)
    found = look(tmp_path / "queue.db", LANES)
    assert (found["officer"][0].alerts, found["officer"][0].oldest) == (2, NOW)
    assert (found["hr"][0].alerts, found["hr"][1] and found["hr"][1].why) == (0, "no route to host")
    assert look(tmp_path / "none.db", LANES) == {}
    queue.close()


def test_what_is_old_is_forgotten_and_nothing_that_waits(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    queue.begin(Cursor("here", 0), None)
    told = alert(at=NOW)
    queue.take([told], LANES, NOW, UTC_ZONE)
    queue.tidy(LANES, NOW + timedelta(days=100))
    assert queue.depth("officer").alerts == 1
    queue.tidy(["another"], NOW + timedelta(days=20))
    assert queue.depth("officer").alerts == 1
    queue.tidy(["another"], NOW + timedelta(days=40))
    assert queue.depth("officer").alerts == 0
    queue.close()


def test_what_was_told_is_not_left_in_the_file(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    queue.take([alert(at=NOW, summary="a word that is only here")], LANES, NOW, UTC_ZONE)
    queue.pack("officer", NOW)
    queue.delivered("officer")
    queue.close()
    assert b"only here" not in (tmp_path / "queue.db").read_bytes()


def test_what_a_route_may_not_see_is_not_even_kept_for_it(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.db")
    found = alert(at=NOW, match=match(), origin=origin(), summary="a summary")
    queue.take([found], LANES, NOW, UTC_ZONE)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("queue.db*"))
    queue.close()
    assert b"a summary" in kept
    assert b"what-was-copied" not in kept
    assert b"what anna reads" not in kept
