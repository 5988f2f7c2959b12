"""What charts show, read from the hourly roll-ups: exact, whatever retention has removed."""

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import case, func, select
from vedette_schemas import Severity

from . import schema
from .errors import QueryError
from .searching import Asking
from .times import to_number, to_time

_ORDER = list(Severity)
_RANKS = {str(severity): rank for rank, severity in enumerate(_ORDER)}

MOST_HOURS = 20_000
"""Hours that a chart spans: two years and a quarter."""


class By(StrEnum):
    """What alerts are counted by."""

    HOST = "host"
    DETECTOR = "detector"
    INDICATOR = "indicator"


class Count(NamedTuple):
    """How many alerts there were in the hours from `hour` on, of one severity and, where asked, one value."""

    hour: datetime
    severity: Severity
    alerts: int
    value: str = ""


class Top(NamedTuple):
    """How many alerts there were of a value, and the gravest of them."""

    value: str
    alerts: int
    worst: Severity


def over_time(
    ask: Asking, since: datetime, until: datetime, *, by: By | None, value: str, step: int
) -> list[Count]:
    """Return the alerts over time by severity, oldest first, `step` hours together."""
    first, last = _hours(since, until)
    rollups = schema.rollups.c
    asked = select(rollups.hour, rollups.severity, rollups.alerts)
    if by is None:
        asked = asked.where(rollups.dimension == "all", rollups.hour.between(first, last))
    else:  # hour by hour the key leads to the value
        asked = asked.where(
            rollups.dimension == by, rollups.hour.in_(range(first, last + 1)), rollups.value == value
        )
    counted: Counter[tuple[int, int]] = Counter()
    for hour, severity, alerts in ask(asked):
        counted[hour - (hour - first) % step, _RANKS[severity]] += alerts
    return [
        Count(to_time(hour * schema.HOUR), _ORDER[rank], alerts)
        for (hour, rank), alerts in sorted(counted.items())
    ]


def top(ask: Asking, by: By, since: datetime, until: datetime, *, limit: int) -> list[Top]:
    """Return the values with most alerts, most first."""
    first, last = _hours(since, until)
    rollups = schema.rollups.c
    total = func.sum(rollups.alerts)
    asked = (
        select(rollups.value, total, func.max(case(_RANKS, value=rollups.severity)))
        .where(rollups.dimension == by, rollups.hour.between(first, last))
        .group_by(rollups.value)
        .order_by(total.desc(), rollups.value)
    )
    return [Top(value, alerts, _ORDER[rank]) for value, alerts, rank in ask(asked.limit(limit))]


def heat_map(ask: Asking, by: By, since: datetime, until: datetime, *, limit: int) -> list[Count]:
    """Return the alerts of each hour of the values with most alerts, oldest first."""
    first, last = _hours(since, until)
    rollups = schema.rollups.c
    values = [each.value for each in top(ask, by, since, until, limit=limit)]
    asked = (
        select(rollups.hour, rollups.severity, rollups.alerts, rollups.value)
        .where(rollups.dimension == by, rollups.hour.between(first, last), rollups.value.in_(values))
        .order_by(rollups.hour, rollups.value, case(_RANKS, value=rollups.severity))
    )
    return [
        Count(to_time(hour * schema.HOUR), Severity(severity), alerts, value)
        for hour, severity, alerts, value in ask(asked)
    ]


def _hours(since: datetime, until: datetime) -> tuple[int, int]:
    """Return the first and the last hour that the span touches."""
    first, last = to_number(since) // schema.HOUR, (to_number(until) - 1) // schema.HOUR
    if not 0 <= last - first < MOST_HOURS:
        raise QueryError(f"a chart spans an hour to {MOST_HOURS:,} hours: choose since and until accordingly")
    return first, last
