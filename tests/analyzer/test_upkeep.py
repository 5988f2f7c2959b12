"""What the archiving thread does beside archiving: all of it, and never much at once."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_analyzer.upkeep import Upkeep
from vedette_archive import Batch, Retention, Run, Writer
from vedette_schemas import encode

from tests.archive.history import CLIPBOARD, observed, run
from tests.messages import clipboard


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.db"


def left(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT count(*) FROM arrivals WHERE id > (SELECT indexed FROM archive)"
        return int(connection.execute(query).fetchone()[0])


def test_what_the_last_life_left_is_indexed_first_and_then_nothing_is_due(path: Path) -> None:
    with Writer(path) as writer:
        for number in range(1, 40):
            writer.store(observed(number))
        upkeep = Upkeep(writer, Retention())
        before = left(path)
        while upkeep.seconds_left < 30:
            upkeep.do_what_is_due(is_busy=False)
        assert (before, left(path)) == (39, 0)
        writer.store(observed(99))
        upkeep.more_came()
        assert upkeep.seconds_left == 0
        upkeep.do_what_is_due(is_busy=True)
        assert left(path) == 0


def test_an_archive_that_is_locked_is_left_for_a_minute(path: Path) -> None:
    with Writer(path, patience=0.01) as writer, closing(sqlite3.connect(path, isolation_level=None)) as other:
        writer.store(observed())
        upkeep = Upkeep(writer, Retention())
        other.execute("BEGIN IMMEDIATE")
        upkeep.do_what_is_due(is_busy=False)
        assert upkeep.seconds_left > 30
        assert left(path) == 1


def test_words_that_wait_do_not_keep_what_is_old(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette_analyzer.upkeep.TIDY_SECONDS", 0.0)
    with Writer(path) as writer:
        old = datetime.now(UTC) - timedelta(days=31)
        writer.store(Batch(runs=(run(1, 9, received_at=old),)))
        Upkeep(writer, Retention()).do_what_is_due(is_busy=True)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM observations").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM arrival_words").fetchone() == (0,)


def test_words_that_were_removed_are_gone_from_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pause in ("TIDY_SECONDS", "_TIDY_PAUSE"):
        monkeypatch.setattr(f"vedette_analyzer.upkeep.{pause}", 0.0)
    old, now = datetime.now(UTC) - timedelta(days=8), datetime.now(UTC)
    with Writer(path) as writer:
        for number, (at, text) in enumerate([(old, "qzjxkw"), (now, "vbnmhg")] * 20, 1):
            one = encode(clipboard(f"{text} {number}")).decode()
            writer.store(Batch(runs=(Run(CLIPBOARD, number, 1, at, f"[{one}]"),)))
            writer.index_words(1)
        upkeep = Upkeep(writer, Retention())
        upkeep.do_what_is_due(is_busy=False)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM observations").fetchone() == (20,)
        assert holds(path, b"zjx")
        for _ in range(9):
            upkeep.do_what_is_due(is_busy=False)
    assert not holds(path, b"zjx")
    assert holds(path, b"bnm")


def holds(path: Path, needle: bytes) -> bool:
    """Tell whether the file, or its log, holds these bytes; terms of an index share their beginnings."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return needle[1:] in path.read_bytes()
