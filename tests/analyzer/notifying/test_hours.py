"""Hours and digests, on the days on which clocks are set, too."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.notifying.hours import is_open, next_digest, next_open, read_hours

from tests.analyzer.notifying.routes import BERLIN

SCHOOL = (read_hours("mon-fri 07:30-17:00"),)
NIGHTS = (read_hours("fri-sun 22:00-06:00"),)
NARROW = (read_hours("sat-sun 02:15-02:45"), read_hours("sun 02:30-03:15"))
_ANY_TIME = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
_CLOCKS_SET = st.datetimes(datetime(2026, 3, 28), datetime(2026, 3, 30), timezones=st.just(UTC))  # noqa: DTZ001
TIMES = _ANY_TIME | _CLOCKS_SET


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "is_within"),
    [
        ("2026-11-23T07:29:59", False),
        ("2026-11-23T07:30", True),
        ("2026-11-27T16:59:59", True),
        ("2026-11-27T17:00", False),
        ("2026-11-28T12:00", False),
    ],
)
def test_school_is_open_on_weekdays(at: str, is_within: bool) -> None:
    assert is_open(SCHOOL, berlin(at), BERLIN) is is_within


def test_a_night_ends_on_the_next_day() -> None:
    assert is_open(NIGHTS, berlin("2026-11-23T05:59"), BERLIN)
    assert not is_open(NIGHTS, berlin("2026-11-23T06:00"), BERLIN)
    assert not is_open(NIGHTS, berlin("2026-11-23T22:30"), BERLIN)


def test_no_hours_are_all_hours() -> None:
    assert is_open((), berlin("2026-11-22T03:00"), BERLIN)
    assert next_open((), berlin("2026-11-22T03:00"), BERLIN) == berlin("2026-11-22T03:00")


@given(TIMES, st.sampled_from([SCHOOL, NIGHTS, NARROW]))
def test_the_next_opening_is_open_and_none_before_it_is(at: datetime, hours: tuple[object, ...]) -> None:
    found = next_open(hours, at, BERLIN)  # type: ignore[arg-type]
    assert is_open(hours, found, BERLIN)  # type: ignore[arg-type]
    assert found >= at
    if found > at:
        assert not is_open(hours, found - timedelta(seconds=1), BERLIN)  # type: ignore[arg-type]


@given(TIMES, st.times())
def test_a_digest_is_due_within_a_day_at_its_time(after: datetime, daily_at: time) -> None:
    found = next_digest("daily", daily_at, after, BERLIN)
    assert after < found <= after + timedelta(hours=25)
    assert next_digest("daily", daily_at, found, BERLIN) > found
    hourly = next_digest("hourly", daily_at, after, BERLIN)
    assert after < hourly <= after + timedelta(hours=1)


def test_the_day_that_clocks_are_set_has_one_digest() -> None:
    times = [next_digest("daily", time(2, 30), berlin("2026-03-28T12:00"), BERLIN)]
    times += [next_digest("daily", time(2, 30), times[0], BERLIN)]
    assert [f"{each.astimezone(BERLIN):%d %H:%M}" for each in times] == ["29 03:30", "30 02:30"]


def test_hours_that_are_left_out_when_clocks_are_set_are_none_on_that_day() -> None:
    hours = (read_hours("sun 02:30-03:00"),)
    found = next_open(hours, berlin("2026-03-28T12:00"), BERLIN)
    assert found == berlin("2026-04-05T02:30")
    assert is_open(hours, found, BERLIN)


@pytest.mark.parametrize(
    "text", ["", "mon", "mon-fri", "mon-fri 7-17", "xyz 07:00-08:00", "mon 25:00-26:00", "mon-fri 07:00"]
)
def test_what_are_no_hours_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_hours(text)
