"""What is judged is archived before it is acked, whatever happens to the archive."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from vedette_analyzer.following import AlertFollower
from vedette_analyzer.keeping import FOLLOWER, Keeper, Kept, NotKept
from vedette_analyzer.work import Heartbeat, Work
from vedette_archive import Entry, Reader, Retention, Run, Writer
from vedette_schemas import Alert, Kind, Life, Principal, SpoolState, State, StreamState
from vedette_transport import Call, Inbox

from tests.archive.history import OUTCOMES, WINDOWS, alert, answer, command
from tests.messages import NOON, SPOOL

SENSOR = Principal.parse(WINDOWS.principal)


class Archive:
    """An archive, the keeper that writes it and what the keeper says."""

    def __init__(self, path: Path, patience: float = 0.05) -> None:
        self.path, self.inbox = path, Inbox()
        self.keeper = Keeper(Writer(path, patience=patience), Retention(), self.inbox)
        self.reader = Reader(path)
        self.keeper.start()

    def keep(self, **changes: Any) -> Any:
        beats: list[Heartbeat] = changes.pop("heartbeats", [])
        work = Work(**changes)
        for beat in beats:
            work.hear(beat)
        self.keeper.keep(work)
        return self.said()

    def said(self) -> Any:
        event = self.inbox.get(timeout=20)
        assert isinstance(event, Call)
        return event.result

    def close(self) -> None:
        self.keeper.close()
        self.reader.close()


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    found = Archive(tmp_path / "archive.db")
    yield found
    found.close()


def windows(first: int, count: int) -> Run:
    return Run(WINDOWS, first, count, NOON, f"[{','.join(['{}'] * count)}]")


def told(following: int, oldest: int, number: int = 1, **changes: Any) -> Heartbeat:
    state = StreamState(spool=SPOOL, kind=Kind.WINDOW, ordinal=1, final=False, next=following, oldest=oldest)
    states = (state.model_copy(update=changes),)
    spool = SpoolState(spool=SPOOL, ordinal=1, number=number, complete=True, streams=states)
    return Heartbeat(SENSOR, Life.RUNNING, NOON, spool, {})


def test_what_is_kept_is_archived_together(archive: Archive) -> None:
    found = archive.keep(runs=[windows(1, 3)], commands=[command()], alerts=[alert()], published=7)
    assert isinstance(found, Kept)
    assert list(found.stored.numbers[WINDOWS]) == [1, 2, 3]
    assert archive.reader.counts().archived == 3
    assert [kept.id for kept in archive.reader.open_commands()] == [command().id]
    assert archive.reader.follower(FOLLOWER) == 7
    outcome = Run(OUTCOMES, 1, 1, NOON, "[{}]")
    archive.keep(runs=[outcome], answers=[answer()])
    assert archive.reader.open_commands() == []


def test_what_a_heartbeat_says_was_dropped_or_is_missing_is_counted_and_an_alert(archive: Archive) -> None:
    archive.keep(runs=[windows(1, 3)])
    found = archive.keep(heartbeats=[told(10, 10, dropped=((4, 6),))])
    assert isinstance(found, Kept)
    counts = archive.reader.counts()
    assert (counts.archived, counts.dropped, counts.missing) == (3, 3, 3)
    told_of = {followed.alert.detector: followed.alert for followed in archive.reader.newest_alerts()}
    assert "3 window observations (4–6)" in told_of["dropped"].summary
    assert "3 window observations (7–9) of sensor@host-7 are missing" in told_of["missing"].summary
    assert told_of["missing"].host == "host-7"


def test_a_stream_that_is_over_and_settled_is_closed(archive: Archive) -> None:
    archive.keep(runs=[windows(1, 3)])
    found = archive.keep(heartbeats=[told(4, 4, final=True)])
    assert [closed.closed for each in found.reconciled for closed in each.closed] == [4]


def test_a_locked_archive_is_waited_for_and_said_once(archive: Archive) -> None:
    with sqlite3.connect(archive.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        archive.keeper.keep(Work(runs=[windows(1, 3)]))
        said = archive.said()
        assert isinstance(said, NotKept)
        assert "locked" in said.why
        assert not said.is_final
        other.execute("ROLLBACK")
    other.close()
    assert isinstance(archive.said(), Kept)
    assert archive.reader.counts().archived == 3


def test_what_is_said_last_is_put_down_behind_what_was_being_written(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive.db")
    archive.keeper.keep(Work(audit=[Entry(NOON, "analyzer@0", "clock.set", "by 1 s")]))
    archive.said()
    archive.keeper.close(Entry(NOON, "analyzer@0", "analyzer.stopped", "it was told to stop"))
    assert [row.what for row in archive.reader.audit.rows()] == ["analyzer.stopped", "clock.set"]
    archive.reader.close()


def test_what_can_not_be_put_down_last_does_not_keep_the_end_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(tmp_path / "archive.db")
    with closing(sqlite3.connect(tmp_path / "archive.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        archive.keeper.close(Entry(NOON, "analyzer@0", "analyzer.stopped", "it was told to stop"))
    assert "the audit does not say that we have ended" in caplog.text
    assert archive.reader.audit.rows() == []
    archive.reader.close()


class Broker:
    def __init__(self) -> None:
        self.is_there = True
        self.received: list[str] = []
        self.confirmed = 0

    def publish(self, alert: Alert) -> Any:
        if not self.is_there:
            return None
        self.received.append(alert.summary)
        place = len(self.received)
        return lambda: self.confirmed >= place


def test_alerts_follow_the_archive_and_none_is_missed(archive: Archive) -> None:
    broker = Broker()
    follower = AlertFollower(archive.reader, broker.publish, 0)
    archive.keep(alerts=[alert(number, summary=f"alert {number}") for number in range(1, 151)])
    assert not follower.go_on(), "nothing is with the broker yet"
    assert len(broker.received) == 100, "only so many are under way at once"
    broker.confirmed = 100
    assert follower.go_on()
    assert [int(words.split()[1]) for words in broker.received] == list(range(1, 151))
    assert follower.sequence == 100
    heir = AlertFollower(archive.reader, broker.publish, follower.sequence)
    heir.go_on()
    assert broker.received[150:] == broker.received[100:150], "told twice rather than never"


def test_alerts_wait_for_the_broker(archive: Archive) -> None:
    broker = Broker()
    broker.is_there = False
    follower = AlertFollower(archive.reader, broker.publish, 0)
    archive.keep(alerts=[alert(1, state=State.PENDING), alert(2)])
    assert not follower.go_on()
    broker.is_there = True
    follower.go_on()
    assert len(broker.received) == 2
    follower.begin_again()
    broker.confirmed = 99
    follower.go_on()
    assert len(broker.received) == 4, "a new connection knows of nothing that was under way"
