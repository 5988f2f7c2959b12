"""What charts are drawn from, as JSON; each page with a chart has the same figures as a table."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response
from vedette_archive import By, Count, History
from vedette_schemas import Severity

from ..visits import Looking
from . import Page

router = APIRouter()
PAGE = Page(router)

_MOST_DAYS = 366
_MOST_BARS = 200


@router.get("/charts/alerts")
def alerts(
    visit: Looking,
    hours: Annotated[int, Query(ge=2, le=24 * _MOST_DAYS)] = 24,
    by: By | None = None,
    value: Annotated[str, Query(max_length=1_000)] = "",
) -> Response:
    """Return how many alerts there were over time, by severity."""
    since = visit.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    with visit.site.archives.searching() as history:
        return JSONResponse(bars(history, since, hours, by, value))


def bars(history: History, since: datetime, hours: int, by: By | None, value: str) -> dict[str, object]:
    """Return the alerts of so many hours by severity, as a chart takes them: at most 200 bars."""
    step = max(1, -(-hours // _MOST_BARS))
    found = history.over_time(since, since + timedelta(hours=hours), by=by, value=value, step=step)
    times = [since + timedelta(hours=hour) for hour in range(0, hours, step)]
    return {"hours": [f"{at:%Y-%m-%dT%H:%MZ}" for at in times], "series": _series(found, times)}


def _series(found: list[Count], times: list[datetime]) -> list[dict[str, object]]:
    """Return a row of numbers for each severity that occurs, the gravest first."""
    counts = {(each.severity, each.hour): each.alerts for each in found}
    rows = ((severity, [counts.get((severity, at), 0) for at in times]) for severity in reversed(Severity))
    return [{"severity": severity, "alerts": numbers} for severity, numbers in rows if any(numbers)]
