"""An archive from before there was a search: all that it holds is found and counted once it is opened."""

import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from vedette_archive import Events, History, Query, Writer, check, schema
from vedette_archive.migrating import configuration
from vedette_schemas import Severity, encode

from tests.archive.found import all_alerts, all_observations, searched_alerts, searched_observations
from tests.archive.test_search import told
from tests.messages import NOON, at, window

SECOND = 10**6
_ARCHIVE = "INSERT INTO archive (id, name, created_at) VALUES (1, 'its name', 0)"
_STREAM = "INSERT INTO streams (id, principal, host, spool, kind) VALUES (1, 'sensor@a', 'a', 'x', 'window')"
_RANGE = "INSERT INTO ranges VALUES (1, 'archived', ?, ?)"
_OBSERVATION = "INSERT INTO observations VALUES (1, ?, 'window', ?, ?)"
_ALERT = (
    "INSERT INTO alerts (id, state, at, host, severity, detector, body) VALUES (?, 'final', ?, ?, ?, ?, ?)"
)


def earlier(path: Path) -> None:
    """Make an archive of schema 0003 with 150 observations, ten of them missing, and 20 alerts."""
    noon = int(NOON.timestamp()) * SECOND
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        config = configuration()
        with create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool).begin() as borrowed:
            config.attributes["connection"] = borrowed
            command.upgrade(config, "0003")
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute(_ARCHIVE)
        connection.execute(_STREAM)
        connection.executemany(_RANGE, [(1, 70), (81, 150)])
        connection.executemany(
            _OBSERVATION,
            [
                (number, noon + number // 60 * SECOND, encode(window(title=f"Title {number}")).decode())
                for number in (*range(1, 71), *range(81, 151))
            ],
        )
        for number in range(1, 21):
            alert = told(
                number, f"host-{number % 3}", list(Severity)[number % 5], "found text", 1_000 * number
            )
            row = str(alert.id), noon + 1_000 * number * SECOND, alert.host, alert.severity, alert.detector
            connection.execute(_ALERT, (*row, encode(alert).decode()))


def test_what_an_earlier_schema_holds_is_found_and_counted(path: Path) -> None:
    earlier(path)
    with Writer(path) as writer, History(path) as history:
        for indexed in (0, 2, 100):
            writer.index_words(indexed)
            for fields in ({}, {"text": "title 14"}, {"host": ["a"], "kind": ["window"], "since": at(1)}):
                query = Query.of({"events": Events.OBSERVATIONS, **fields})
                found = searched_observations(history, query, 7)
                assert len(found) == len(set(found))
                assert set(found) == all_observations(path, query) != set()
        for told_as in ({}, {"text": "FOUND"}, {"indicator": ["evil-1"]}, {"host": ["host-2"]}):
            query = Query.of(told_as)
            assert searched_alerts(history, query, 3) == all_alerts(path, query) != []
        assert sum(each.alerts for each in history.over_time(NOON, at(30_000))) == 20
    assert check(path) == []
