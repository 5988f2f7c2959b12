"""Hours of the week, and times of digests, in the time zone of those who are told."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Digest = Literal["hourly", "daily"]

_DAY = timedelta(days=1)
_WRITTEN = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? ([0-2]\d:[0-5]\d)-([0-2]\d:[0-5]\d)")


class Hours(NamedTuple):
    """From `begins` to `ends` on some days of the week, 0 for Monday; they may end on the next day."""

    days: frozenset[int]
    begins: time
    ends: time


def read_hours(text: str) -> Hours:
    """Read `mon-fri 07:30-17:00` or `sat 22:00-06:00`; raise `ValueError` on anything else."""
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise ValueError(f"{text!r}: give hours like 'mon-fri 07:30-17:00' or 'sun 22:00-06:00'")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
    return Hours(days, read_time(found[3]), read_time(found[4]))


def read_time(text: str) -> time:
    """Read `07:30`; `24:00` is midnight. Raise `ValueError` on anything else."""
    if text == "24:00":
        return time(0)
    return time.fromisoformat(text)


def is_open(hours: Sequence[Hours], at: datetime, zone: ZoneInfo) -> bool:
    """Tell whether a time lies in any of these hours; in none named, each does."""
    return not hours or any(begins <= at < ends for begins, ends in _spans(hours, at, zone, 1))


def next_open(hours: Sequence[Hours], at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first time from `at` on that lies in these hours."""
    if is_open(hours, at, zone):
        return at
    return min(begins for begins, _ in _spans(hours, at, zone, 15) if begins > at)


def next_digest(digest: Digest, daily_at: time, after: datetime, zone: ZoneInfo) -> datetime:
    """Return when the next digest after a time is due."""
    if digest == "hourly":
        return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    days = (after.astimezone(zone).date() + n * _DAY for n in range(3))
    times = (datetime.combine(day, daily_at, zone).astimezone(UTC) for day in days)
    return next(each for each in times if each > after)


def _spans(
    hours: Sequence[Hours], at: datetime, zone: ZoneInfo, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield each span of these hours from the day before `at` on, before so many days are over.

    One that lies in the hour that is left out when clocks are set is none on that day.
    """
    today = at.astimezone(zone).date()
    for day in (today + n * _DAY for n in range(-1, days)):
        for each in hours:
            if day.weekday() in each.days:
                ends = day if each.begins < each.ends else day + _DAY
                span = (
                    datetime.combine(day, each.begins, zone).astimezone(UTC),
                    datetime.combine(ends, each.ends, zone).astimezone(UTC),
                )
                if span[0] < span[1]:
                    yield span
