"""What the archiving thread does beside archiving: all of it, and never much at once."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_analyzer.upkeep import Upkeep
from vedette_archive import Batch, Retention, Writer

from tests.archive.history import observed, run


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
