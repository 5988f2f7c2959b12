import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import Batch, By, Count, History, QueryError, Retention, Top, Writer, check
from vedette_archive.history_rules import HISTORY_RULES
from vedette_schemas import Kind, Severity, State

from tests.archive.test_search import alerts, observations, told
from tests.messages import NOON, at

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


def counted(path: Path) -> Counter[tuple[int, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT at / 3600000000, severity, host FROM alerts").fetchall()
    return Counter(rows)


def hour_of(when: datetime) -> int:
    return int(when.timestamp()) // 3600


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(alerts, st.integers(0, 45)), max_size=6))
def test_charts_count_what_is_there_whatever_is_stored_told_again_or_removed(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        with Writer(path) as writer, History(path) as history:
            for step in steps:
                if isinstance(step, int):
                    now = NOON + timedelta(days=365, hours=step)
                    writer.remove_expired(Retention(), now, step=4)
                else:
                    writer.store(Batch(alerts=tuple(told(*each) for each in step)))
            there = counted(path)
            until = NOON + timedelta(hours=50)
            said = {
                (hour_of(each.hour), each.severity, each.value): each.alerts
                for each in history.heat_map(NOON, until)
            }
            assert said == dict(there)
            over_time = history.over_time(NOON, until)
            assert sum(each.alerts for each in over_time) == there.total()
            hosts = {host for _, _, host in there}
            assert {each.value: each.alerts for each in history.top(By.HOST, NOON, until)} == {
                host: sum(count for (_, _, name), count in there.items() if name == host) for host in hosts
            }
            for host in hosts:
                of_host = history.over_time(NOON, until, by=By.HOST, value=host)
                assert {(hour_of(each.hour), each.severity, host): each.alerts for each in of_host} == {
                    key: count for key, count in there.items() if key[2] == host
                }
        assert check(path) == []


def test_a_chart_counts_whole_hours_by_severity_and_joins_them(path: Path) -> None:
    with Writer(path) as writer, History(path) as history:
        for number, (severity, hour) in enumerate([("low", 0), ("high", 0), ("low", 1), ("low", 5)], 1):
            writer.store(Batch(alerts=(told(number, "a", Severity(severity), "x", 3600 * hour + 60),)))
        assert history.over_time(at(600), at(3601)) == [
            Count(NOON, Severity.LOW, 1),
            Count(NOON, Severity.HIGH, 1),
            Count(NOON + HOUR, Severity.LOW, 1),
        ]
        assert history.over_time(NOON, NOON + 6 * HOUR, step=3) == [
            Count(NOON, Severity.LOW, 2),
            Count(NOON, Severity.HIGH, 1),
            Count(NOON + 3 * HOUR, Severity.LOW, 1),
        ]
        assert history.top(By.INDICATOR, NOON, NOON + HOUR) == [
            Top("evil-1", 1, Severity.LOW),
            Top("evil-2", 1, Severity.HIGH),
        ]
        assert history.top(By.DETECTOR, NOON, NOON + 6 * HOUR, limit=1) == [
            Top("detector-0", 2, Severity.HIGH)
        ]


def test_an_alert_that_is_told_again_counts_once_and_where_it_belongs_now(path: Path) -> None:
    pending = told(1, "a", Severity.LOW, "x", 1, state=State.PENDING)
    with Writer(path) as writer, History(path) as history:
        writer.store(Batch(alerts=(pending,)))
        writer.store(Batch(alerts=(pending.model_copy(update={"state": State.FINAL, "at": at(7200)}),)))
        assert history.over_time(NOON, at(9000)) == [Count(NOON + 2 * HOUR, Severity.LOW, 1)]
    assert check(path) == []


@pytest.mark.parametrize(("since", "until"), [(NOON, NOON), (NOON, at(-1e5)), (NOON, at(1e9))])
def test_a_chart_is_bounded(path: Path, since: datetime, until: datetime) -> None:
    with Writer(path), History(path) as history, pytest.raises(QueryError, match="a chart spans"):
        history.over_time(since, until)


WRONG = [
    ("DELETE FROM arrivals", "of 3 observations a search finds None"),
    ("UPDATE arrivals SET last = 2", "of 3 observations a search finds 2"),
    ("DELETE FROM arrival_hours", "arrival 1: it is not among those of its hour"),
    ("UPDATE archive SET indexed = 0", "the words of 1 arrivals are indexed that are not there, or not"),
    ("DELETE FROM alert_words", "1 alerts, and the words of 0"),
    ("DELETE FROM rollups", "1 alerts of host 'a' in hour .* there, but not said"),
    ("UPDATE rollups SET alerts = 9", "9 alerts of indicator 'evil-1' in hour .* said, but not there"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_what_disagrees_is_found(path: Path, change: str, said: str) -> None:
    with Writer(path) as writer:
        writer.store(Batch(runs=(observations(Kind.WINDOW, "x", "a", 1, 3, 0),)))
        writer.store(Batch(alerts=(told(1, "a", Severity.LOW, "x", 1),)))
        writer.index_words(10)
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    found = check(path)
    assert any(re.search(said, line) for line in found), found


def test_each_rule_is_broken_by_a_test() -> None:
    assert len(WRONG) > len(HISTORY_RULES)


@pytest.mark.system
def test_charts_and_words_are_whole_after_kills_at_random_moments(path: Path) -> None:
    for round_ in range(6):
        command = [sys.executable, "-m", "tests.archive.telling", str(path), str(round_)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writing:
            assert writing.stdout is not None
            writing.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writing.wait(random.Random(round_).uniform(0, 0.15))
            writing.kill()
        assert check(path) == []
