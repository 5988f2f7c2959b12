"""What is known of one host over some days, on one page that prints as a report."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response
from vedette_archive import By, History, IncidentQuery
from vedette_archive import Query as Asked
from vedette_schemas import Alert, Severity

from .. import standing
from ..visits import Looking
from . import Page

router = APIRouter()
PAGE = Page(router)

_MOST_DAYS = 31
_ALERTS, _INCIDENTS, _ACTIONS, _TOP = 500, 50, 500, 10
_LISTED = 200
_ORDER = tuple(Severity)


class Day(NamedTuple):
    """A day's alerts, and the gravest of them."""

    at: datetime
    alerts: int
    worst: Severity


@router.get("/hosts/{name}/report")
def report(visit: Looking, name: str, days: Annotated[int, Query(ge=1, le=_MOST_DAYS)] = 7) -> Response:
    """Show a host as it was in the last days."""
    midnight = visit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(days=days - 1)
    with visit.site.archives.reading() as reader:
        hosts = standing.hosts(reader, visit.site.settings, visit.now)
        row = next((row for row in hosts.rows if row.host == name), None)
        if row is None:
            raise HTTPException(404)
        incidents = reader.incidents.page(IncidentQuery(host=name, since=since), _INCIDENTS).incidents
        ordered = standing.newest(reader, visit.now, _ACTIONS)
    with visit.site.archives.searching() as archive:
        alerts = archive.search(Asked(host=(name,), since=since), limit=_ALERTS).alerts
        severities, by_day = _counted(archive, name, since, visit.now)
    return visit.page(
        "report.html",
        host=row,
        days=days,
        since=since,
        severities=severities,
        by_day=by_day,
        top=_top(alerts),
        incidents=incidents,
        ordered=[each for each in ordered if each.host == name and each.issued_at >= since],
        alerts=alerts[:_LISTED],
        counted=len(alerts),
        most=_ALERTS,
    )


def _counted(archive: History, name: str, since: datetime, now: datetime) -> tuple[dict[str, int], list[Day]]:
    """Return how many alerts there were of each severity, and of each day."""
    severities: Counter[Severity] = Counter()
    by_day: dict[datetime, Day] = {}
    for day in range((now - since).days + 1):
        at = since + timedelta(days=day)
        by_day[at] = Day(at, 0, Severity.INFO)
    for each in archive.over_time(since, now, by=By.HOST, value=name):
        severities[each.severity] += each.alerts
        at = each.hour.replace(hour=0)
        known = by_day.get(at, Day(at, 0, Severity.INFO))
        by_day[at] = Day(at, known.alerts + each.alerts, max(known.worst, each.severity, key=_ORDER.index))
    return {str(each): severities[each] for each in reversed(_ORDER) if severities[each]}, [*by_day.values()]


def _top(alerts: tuple[Alert, ...]) -> list[tuple[str, int, Severity]]:
    """Return the entries that were hit most, each with how often and the gravest alert of it."""
    counted: Counter[str] = Counter()
    worst: dict[str, Severity] = {}
    for alert in alerts:
        if alert.match is not None:
            value = f"{alert.match.type} {alert.match.value}"
            counted[value] += 1
            worst[value] = max(worst.get(value, alert.severity), alert.severity, key=_ORDER.index)
    return [(value, number, worst[value]) for value, number in counted.most_common(_TOP)]
