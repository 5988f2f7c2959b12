"""Who is told what and when: laws over random days, on a real queue."""

import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from vedette_analyzer.notifying import routing
from vedette_analyzer.notifying.dispatch import Dispatch
from vedette_analyzer.notifying.hours import is_open
from vedette_analyzer.notifying.queue import Queue
from vedette_analyzer.notifying.settings import Route
from vedette_archive import Cursor
from vedette_schemas import SERVER, Alert, Mode, Severity, State

from tests.analyzer.notifying.routes import BERLIN, UTC_ZONE, route
from tests.analyzer.notifying.telling import alert, match, origin

MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KINDS = ("a program", "a lure", "a phrase")


class Step(NamedTuple):
    """So many seconds later an alert of this kind comes, or what came of one of those before."""

    seconds: int
    kind: int
    severity: Severity
    is_pending: bool
    ends: int | None


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([0, 1, 7, 300, 4_000]),
        st.integers(0, len(KINDS) - 1),
        st.sampled_from([Severity.LOW, Severity.MEDIUM, Severity.CRITICAL]),
        st.booleans(),
        st.none() | st.integers(0, 30),
    ),
    max_size=30,
)
ROUTES = st.builds(
    route,
    severity=st.sampled_from(["info", "medium"]),
    fold_minutes=st.sampled_from([0, 5, 60]),
    most_per_hour=st.sampled_from([0, 1, 3]),
    gap_seconds=st.sampled_from([0, 10]),
    digest=st.sampled_from([None, "hourly", "daily"]),
    hours=st.sampled_from([(), ("mon-fri 07:00-17:00",), ("sat 22:00-06:00",)]),
)


class Lane:
    """One lane of a real queue, and a clock that is set forward."""

    def __init__(self, queue: Queue, its_route: Route) -> None:
        self.queue, self.route, self.now = queue, its_route, MONDAY
        self.told: list[tuple[datetime, Dispatch]] = []
        self.came: dict[UUID, Alert] = {}

    def take(self, found: Alert) -> None:
        self.queue.take([found], {"officer": self.route}, self.now, BERLIN)
        self.came[found.id] = found

    def advance(self, seconds: float) -> None:
        self.tell_until(self.now + timedelta(seconds=seconds))

    def tell_until(self, end: datetime) -> None:
        """Send all that is due until then, when it is due; a server takes it at once."""
        while (due := self.queue.due("officer", self.route, self.now, BERLIN)) is not None and due <= end:
            self.now = due
            self.queue.pack("officer", self.now)
            outgoing = self.queue.outgoing("officer")
            assert outgoing is not None, "what is due is in a message"
            self.told.append((self.now, outgoing.dispatch))
            self.queue.delivered("officer")
        self.now = max(self.now, end)


@contextmanager
def lane(its_route: Route) -> Generator[Lane]:
    with tempfile.TemporaryDirectory() as folder:
        queue = Queue(Path(folder) / "queue.db")
        queue.begin(Cursor("here", 0), None)
        try:
            yield Lane(queue, its_route)
        finally:
            queue.close()


def play(day: Lane, steps: list[Step]) -> None:
    for number, step in enumerate(steps):
        day.advance(step.seconds)
        if step.ends is not None and step.ends < len(day.came):
            ended = list(day.came.values())[step.ends]
            day.take(ended.model_copy(update={"state": State.FINAL, "done": f"ended {number}"}))
        else:
            state = State.PENDING if step.is_pending else State.FINAL
            day.take(alert(summary=KINDS[step.kind], severity=step.severity, state=state, at=day.now))
    day.advance(timedelta(days=30).total_seconds())


@given(ROUTES, STEPS)
@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_alert_that_a_route_wants_is_counted_in_exactly_one_message(
    its_route: Route, steps: list[Step]
) -> None:
    with lane(its_route) as day:
        play(day, steps)
        wanted = [each for each in day.came.values() if routing.wants(its_route, each, MONDAY, BERLIN)]
        items = [item for _, message in day.told for item in message.items]
        told = Counter[tuple[str | None, Severity]]()
        for item in items:
            told[item.newest.summary, item.newest.severity] += item.count
        assert +told == Counter((each.summary, each.severity) for each in wanted)
        assert {item.newest.id for item in items} <= {each.id for each in wanted}
        names = [message.id for _, message in day.told]
        assert len(names) == len(set(names))
        assert day.queue.depth("officer").alerts == 0


@given(ROUTES, STEPS)
@hypothesis_settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_no_message_goes_outside_of_the_hours_nor_more_than_so_many_an_hour(
    its_route: Route, steps: list[Step]
) -> None:
    with lane(its_route) as day:
        play(day, steps)
        times = [at for at, _ in day.told]
        for at in times:
            assert is_open(its_route.open_hours, at, BERLIN)
        most = its_route.most_per_hour
        for first, beyond in zip(times, times[most:], strict=False) if most else ():
            assert beyond - first >= timedelta(hours=1)
        for before, after in pairwise(times):
            assert after - before >= timedelta(seconds=its_route.gap_seconds)


@given(STEPS)
@hypothesis_settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_what_came_of_what_is_shown_is_shown_or_gives_way_to_a_newer_one(
    steps: list[Step],
) -> None:
    with lane(route(severity="info")) as day:
        play(day, steps)
        last = {
            (item.newest.summary, item.newest.severity): item.newest
            for _, message in day.told
            for item in message.items
        }
        for shown in last.values():
            came = day.came[shown.id]
            assert (shown.state, shown.done) == (came.state, came.done)


@pytest.mark.parametrize(
    ("changes", "about", "is_wanted"),
    [
        ({}, {}, True),
        ({"severity": "critical"}, {}, False),
        ({"severity": "high"}, {}, True),
        ({"hosts": ["lab-*"]}, {}, False),
        ({"hosts": ["lab-*", "host-?"]}, {}, True),
        ({"detectors": ["listed-*"]}, {}, True),
        ({"detectors": ["listed-clipboard"]}, {}, False),
        ({"hours": ["mon 11:00-14:00"], "outside": "skip"}, {}, True),
        ({"hours": ["sun 11:00-14:00"], "outside": "skip"}, {}, False),
        ({"hours": ["sun 11:00-14:00"], "outside": "wait"}, {}, True),
        ({"severity": "critical"}, {"detector": "notify", "host": SERVER}, True),
        ({"troubles": False}, {"detector": "notify", "host": SERVER}, False),
    ],
)
def test_a_route_wants(changes: dict[str, Any], about: dict[str, Any], is_wanted: bool) -> None:
    assert routing.wants(route(**changes), alert(**about), MONDAY, UTC_ZONE) is is_wanted


def test_a_repeat_is_the_same_entry_on_the_same_host() -> None:
    officer = route()
    first = routing.key(officer, alert(match=match(subject="http://evil.example/x?a")))
    assert first == routing.key(officer, alert(match=match(subject="http://evil.example/x?b")))
    assert first != routing.key(officer, alert(match=match(), host="host-8"))
    assert first != routing.key(officer, alert(match=match(value="http://evil.example/y")))
    assert "evil" not in first


def test_who_may_see_users_is_told_of_each_user_and_others_learn_nothing_of_how_many() -> None:
    users = [alert(match=match(), origin=origin(uid=uid)) for uid in (1000, 1001, 1000)]
    hr, officer = route(may_see=["summary", "user"]), route()
    assert len({routing.key(hr, each) for each in users}) == 2
    assert len({routing.key(officer, each) for each in users}) == 1
    assert routing.key(hr, alert(match=match())) not in {routing.key(hr, each) for each in users}


def test_what_waits_for_an_operator_is_told_at_once() -> None:
    with lane(route()) as day:
        day.take(alert(state=State.PENDING, mode=Mode.APPROVE, at=day.now))
        day.advance(0)
        assert len(day.told) == 1


def test_kinds_without_end_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MOST_WAITING", 20)
    with lane(route(digest="hourly")) as day:
        for n in range(500):
            day.take(alert(summary=f"kind {n}", at=day.now))
        day.advance(3_600)
        (_, message), *_ = day.told
        assert sum(each.count for _, each in day.told) == 500
        assert max(item.count for item in message.items) == 480


def test_a_message_holds_the_gravest_first_and_the_rest_comes_next() -> None:
    with lane(route(digest="hourly")) as day:
        for n in range(250):
            severity = Severity.CRITICAL if n == 249 else Severity.MEDIUM
            day.take(alert(summary=f"kind {n}", severity=severity, at=day.now))
        day.advance(7_200)
        assert [len(message.items) for _, message in day.told] == [200, 50]
        assert day.told[0][1].gravest.newest.summary == "kind 249"


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    with lane(route(fold_minutes=60, most_per_hour=1)) as day:
        day.take(alert(summary="x", at=day.now))
        day.advance(0)
        day.now -= timedelta(days=200)
        day.take(alert(summary="x", at=day.now))
        day.advance(3_600)
        assert len(day.told) == 2
