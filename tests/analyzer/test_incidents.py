"""Which alerts are one incident: whatever way they come in, and however often."""

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_analyzer.grouping import ClockMoved, put_into_incidents
from vedette_analyzer.incidents import LONGEST, WINDOW, group, score
from vedette_archive import Batch, Incident, IncidentQuery, Known, Reader, Triaged, Writer, check
from vedette_schemas import Alert, IncidentStatus, Match, Severity, State, Where

from tests.archive.history import alert
from tests.messages import at

MINUTE = 60


def told(number: int = 1, minute: float = 0, indicator: str | None = None, **changes: Any) -> Alert:
    """Return an alert so many minutes after noon, perhaps about an indicator."""
    match = indicator and Match(
        type="host", value=indicator, subject=indicator, where=Where.TITLE, list="list.csv", line=1
    )
    return alert(number, at=at(minute * MINUTE), match=match or None, **changes)


class _DiedError(Exception):
    pass


class Books:
    """An archive into which alerts are stored and grouped, as the analyzer does it."""

    def __init__(self, folder: Path) -> None:

        self.writer, self.reader = Writer(folder / "archive.db"), Reader(folder / "archive.db")

    def store(self, *alerts: Alert, moves: Sequence[ClockMoved] = ()) -> None:
        with self.writer.transaction() as books:
            put_into_incidents(books, alerts, books.store(Batch(alerts=alerts)), moves)

    def fail(self, *alerts: Alert) -> None:
        """Store alerts, and die before that is committed."""
        with suppress(_DiedError), self.writer.transaction() as books:
            put_into_incidents(books, alerts, books.store(Batch(alerts=alerts)))
            raise _DiedError

    def triage(self, incident: Incident, status: IncidentStatus, owner: str | None = None) -> None:
        with self.writer.transaction() as books:
            books.incidents.triage(Triaged((incident.id,), "operator@anna", at(0), status, owner))

    @property
    def all(self) -> list[Incident]:
        """Return the incidents, oldest first."""
        return [*self.reader.incidents.page(limit=1_000).incidents][::-1]

    def members(self) -> list[set[int]]:
        return [{each.id.int for each in self.reader.incidents.alerts(one.number)} for one in self.all]

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


@pytest.fixture
def books(tmp_path: Path) -> Iterable[Books]:
    found = Books(tmp_path)
    yield found
    found.close()


def test_alerts_of_one_host_are_one_incident(books: Books) -> None:
    books.store(told(1), told(2, 5, "evil.test", severity=Severity.CRITICAL, summary="graver"), told(3, 50))
    (one,) = books.all
    assert (one.host, one.hosts, one.alerts, one.lines) == ("host-7", 1, 3, 2)
    assert (one.severity, one.summary, one.status, one.owner) == ("critical", "graver", "open", "")
    assert (one.opened_at, one.last_at) == (at(0), at(50 * MINUTE))
    assert one.indicator is None, "it is about more than one thing"


def test_repeats_are_counted_and_not_repeated(books: Books) -> None:
    books.store(*(told(n, n, "evil.test") for n in range(1, 31)))
    (one,) = books.all
    (line,) = books.reader.incidents.lines(one.number)
    assert (one.alerts, one.lines, one.score) == (30, 1, score(Severity.HIGH, 1, 1))
    assert (line.count, line.first_at, line.last_at) == (30, at(MINUTE), at(30 * MINUTE))
    assert (line.indicator, line.alert_id) == ("host|evil.test", UUID(int=30))


def test_what_comes_long_after_is_another_incident(books: Books) -> None:
    minutes = WINDOW.total_seconds() / MINUTE
    books.store(told(1), told(2, minutes), told(3, 2 * minutes + 1))
    assert books.members() == [{1, 2}, {3}]


def test_what_never_ends_is_an_incident_a_day(books: Books) -> None:
    step = WINDOW / 2
    count = 2 * int(LONGEST / step)
    books.store(*(told(n, n * step.total_seconds() / MINUTE) for n in range(1, count + 1)))
    assert [one.alerts for one in books.all] == [count // 2 + 1, count // 2 - 1]


def test_one_indicator_on_several_hosts_is_one_incident(books: Books) -> None:
    hosts = [f"host-{n}" for n in range(5)]
    books.store(*(told(n, n, "evil.test", host=host) for n, host in enumerate(hosts, 1)))
    (one,) = books.all
    assert (one.host, one.indicator, one.hosts, one.lines) == (None, "host|evil.test", 5, 5)
    assert books.reader.incidents.hosts(one.number) == hosts
    assert one.score > score(Severity.HIGH, 5, 1)


def test_what_else_happens_on_those_hosts_is_an_incident_of_its_own(books: Books) -> None:
    books.store(
        told(1, 0, "evil.test", host="a"),
        told(2, 1, "evil.test", host="b"),
        told(3, 2, "other.test", host="a"),
        told(4, 3, "evil.test", host="a"),
    )
    assert books.members() == [{1, 2, 4}, {3}]


def test_a_host_on_which_more_happens_keeps_its_incident(books: Books) -> None:
    books.store(
        told(1, 0, "evil.test", host="a"),
        told(2, 1, "other.test", host="a"),
        told(3, 2, "evil.test", host="b"),
        told(4, 3, "evil.test", host="a"),
    )
    assert books.members() == [{1, 2, 4}, {3}]


def test_what_only_informs_is_no_incident(books: Books) -> None:
    books.store(told(1, severity=Severity.INFO))
    assert books.all == []


def test_an_alert_that_is_settled_is_not_counted_again(books: Books) -> None:
    books.store(told(1, state=State.PENDING))
    books.store(told(1), told(1))
    (one,) = books.all
    assert one.alerts == 1


def test_an_alert_knows_its_incident(books: Books) -> None:
    books.store(told(1), told(2, severity=Severity.INFO))
    (one,) = books.all
    assert books.reader.incidents.of_alerts([UUID(int=n) for n in (1, 2, 3)]) == {UUID(int=1): one}


def test_what_is_resolved_is_opened_again_by_what_comes_after(books: Books) -> None:
    books.store(told(1))
    books.triage(books.all[0], IncidentStatus.RESOLVED, "anna")
    books.store(told(1), told(2, 1, severity=Severity.INFO))
    assert books.all[0].status == "resolved", "nothing new has happened"
    books.store(told(3, 2))
    (one,) = books.all
    assert (one.status, one.owner, one.reopened, one.alerts) == ("open", "anna", 1, 2)
    steps = books.reader.incidents.steps(one.number)
    assert [(step.who, step.status) for step in steps] == [
        ("operator@anna", "resolved"),
        ("analyzer@0", "open"),
    ]
    assert steps[1].note == f"reopened by alert {UUID(int=3)}"


def test_what_is_acknowledged_is_opened_again_by_what_is_graver_alone(books: Books) -> None:
    books.store(told(1))
    books.triage(books.all[0], IncidentStatus.ACKNOWLEDGED)
    books.store(told(2, 1), told(3, 2, severity=Severity.LOW))
    assert books.all[0].status == "acknowledged"
    books.store(told(4, 3, severity=Severity.CRITICAL))
    assert (books.all[0].status, books.all[0].reopened) == ("open", 1)


def test_a_resolved_incident_that_is_over_stays_resolved(books: Books) -> None:
    books.store(told(1))
    books.triage(books.all[0], IncidentStatus.RESOLVED)
    books.store(told(2, 61))
    assert [one.status for one in books.all] == ["resolved", "open"]


@pytest.mark.parametrize("by", [timedelta(days=30), timedelta(days=-30)])
def test_a_clock_that_is_set_neither_parts_an_incident_nor_makes_it_longer(
    books: Books, by: timedelta
) -> None:
    books.store(told(1))
    with books.writer.transaction() as writing:
        writing.incidents.clock_moved(by, before=at(MINUTE))
    for number, minute in ((2, 5), (3, 70)):
        books.store(told(number).model_copy(update={"at": at(minute * MINUTE) + by}))
    assert books.members() == [{1, 2}, {3}]


def test_a_clock_that_is_set_between_two_alerts_of_a_transaction_parts_none(books: Books) -> None:
    by = timedelta(days=-30)
    late = [told(n).model_copy(update={"at": at(n * MINUTE) + by}) for n in (6, 200)]
    books.store(told(1), told(2, 5), *late, moves=[ClockMoved(by, at(6 * MINUTE), 2)])
    assert books.members() == [{1, 2, 6}, {200}]


def test_what_an_analyzer_left_whose_clock_was_ahead_takes_nothing(books: Books) -> None:
    books.store(told(1, 60 * 24 * 365))
    books.store(told(2))
    books.store(told(3, 1))
    assert books.members() == [{1}, {2, 3}]


@pytest.mark.parametrize("text", ["a\0b", "\u202e", "x" * 1_000, "'); DROP TABLE audit; --", '"\\'])
def test_hostile_texts_are_kept_as_they_can_be(books: Books, text: str) -> None:
    books.store(told(1, 0, text[:250], host="a", summary=text), told(2, 1, text[:250], host="b"))
    (one,) = books.all
    assert one.summary == text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert one.hosts == 2


def test_the_score_rises_with_severity_then_hosts_then_lines() -> None:
    scores = [score(severity, 1, 1) for severity in Severity]
    assert scores == sorted(scores)
    assert score(Severity.HIGH, 1, 1) < score(Severity.HIGH, 2, 1) < score(Severity.HIGH, 2, 2)
    assert score(Severity.CRITICAL, 10**6, 10**6) == 100


@pytest.mark.parametrize("by_score", [False, True])
def test_pages_hold_each_incident_once_and_in_order(books: Books, by_score: bool) -> None:
    severities = [Severity.LOW, Severity.HIGH, Severity.HIGH, Severity.CRITICAL, Severity.MEDIUM] * 2
    books.store(*(told(n, host=f"host-{n}", severity=each) for n, each in enumerate(severities, 1)))
    known, found, after = books.reader.incidents, list[Incident](), None
    while True:
        page = known.page(limit=3, by_score=by_score, after=after)
        found += page.incidents
        if (after := page.after) is None:
            break
    order = [(each.score, each.number) if by_score else (0, each.number) for each in found]
    assert order == sorted(order, reverse=True)
    assert sorted(each.number for each in found) == list(range(1, 11))


ALERTS = st.lists(
    st.builds(
        told,
        st.integers(1, 30),
        st.floats(0, 200).map(round),
        st.sampled_from([None, "evil.test", "other.test"]),
        host=st.sampled_from(["a", "b", "c"]),
        severity=st.sampled_from(list(Severity)),
        detector=st.sampled_from(["listed-window", "look-alike"]),
        state=st.sampled_from(list(State)),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)


def seen(incident: Incident) -> tuple[object, ...]:
    return incident.id, incident.host, incident.indicator, incident.score, incident.alerts, incident.lines


def all_in(
    folder: Path, batches: Sequence[Sequence[Alert]], fails: Sequence[int] = ()
) -> tuple[list[tuple[object, ...]], list[set[int]]]:
    books = Books(folder)
    try:
        for number, batch in enumerate(batches):
            if number in fails:
                books.fail(*batch)
            books.store(*batch)
        return [seen(one) for one in books.all], books.members()
    finally:
        books.close()


@given(ALERTS, st.lists(st.integers(0, 25), max_size=6), st.lists(st.integers(0, 25), max_size=4))
@settings(max_examples=40, deadline=None)
def test_neither_batches_nor_repetition_change_which_incidents_there_are(
    tmp_path_factory: pytest.TempPathFactory, alerts: list[Alert], cuts: list[int], again: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("incidents")
    Writer(folder / "archive.db").close()
    copies = [folder / name for name in ("once", "parts", "again")]
    for copy in copies:
        copy.mkdir()
        shutil.copy(folder / "archive.db", copy)
    alerts.sort(key=lambda each: each.at)
    once = all_in(copies[0], [alerts])
    ends = sorted({0, len(alerts), *(cut for cut in cuts if cut <= len(alerts))})
    parts = [alerts[first:last] for first, last in pairwise(ends)]
    assert all_in(copies[1], parts) == once
    # what was committed comes again, as after a crash between commit and ack, or one before the commit
    repeated = [part for n, part in enumerate(parts) for part in ([part] if n not in again else [part, part])]
    assert all_in(copies[2], repeated, fails=again) == once


def test_what_was_judged_again_after_a_crash_has_the_same_name() -> None:
    (first,) = group([told(1)], Known()).incidents
    (again,) = group([told(1), told(2)], Known(next_number=9)).incidents
    assert first.id == again.id


def by_hand(folder: Path, change: str) -> None:
    with closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.execute(f"UPDATE incidents SET {change} WHERE number = 1")
        connection.commit()


def test_a_status_that_is_none_counts_as_open_and_is_said_and_all_goes_on(
    books: Books, tmp_path: Path
) -> None:
    books.store(told(1), told(2, host="host-8"))
    by_hand(tmp_path, "status = 'lost'")
    assert [one.status for one in books.all] == [IncidentStatus.OPEN] * 2
    name = books.all[0].id
    for statuses, count in (
        (set(IncidentStatus), 2),
        ({IncidentStatus.OPEN}, 2),
        ({IncidentStatus.RESOLVED}, 0),
    ):
        page = books.reader.incidents.page(IncidentQuery(frozenset(statuses)))
        assert len(page.incidents) == count
    assert books.reader.incidents.counts()[IncidentStatus.OPEN] == 2
    (said,) = check(tmp_path / "archive.db")
    assert said == f"incident {name}: it is lost, which is nothing that an incident can be"
    books.store(told(3, 5))
    assert books.members() == [{1, 3}, {2}]
    by_hand(tmp_path, "status = 'lost'")
    books.triage(books.all[0], IncidentStatus.RESOLVED)
    assert books.all[0].status is IncidentStatus.RESOLVED
    assert check(tmp_path / "archive.db") == []


@pytest.mark.parametrize(
    "change",
    [
        "severity = 'terrible'",
        "status = x'00'",
        "id = 'none'",
        "takes_until = 9223372036854775807",
        "last_at = 'noon'",
        "lines = 'many'",
        "owner = x'ff'",
        "owner = CAST(x'ff' AS TEXT)",
    ],
)
def test_what_is_no_incident_any_more_is_said_and_takes_no_alerts_and_all_goes_on(
    books: Books, tmp_path: Path, change: str
) -> None:
    books.store(told(1), told(2, host="host-8"))
    by_hand(tmp_path, change)
    books.store(told(3, 5), told(4, 6, host="host-8"))
    found = check(tmp_path / "archive.db")
    assert any(line.endswith("its row is none of an incident; it is not shown") for line in found)
    if "CAST" not in change:  # what is no UTF-8 is nothing that a reader can be given
        assert books.members() == [{2, 4}, {3}]
        assert len(books.reader.incidents.page(limit=1).incidents) == 1
        assert books.reader.incidents.of_alerts([UUID(int=1)]) == {}
    by_hand(tmp_path, "severity = 'high'")
    books.store(told(5, 7))
