"""When which hosts had alerts: a table of hosts and hours, drawn from the roll-ups."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response
from vedette_archive import Count
from vedette_schemas import Severity

from ..visits import Looking
from . import Page

router = APIRouter()
PAGE = Page(router)

SPANS = {24: 1, 168: 6, 720: 24}
"""How many hours are shown, and how many of them make a cell."""

_MOST_HOSTS = 50
_LEVELS = (1, 3, 10, 30)
"""From how many alerts on a cell is darker."""

_ORDER = tuple(Severity)


class Cell(NamedTuple):
    """A host's alerts in some hours; `address` is where they are listed."""

    at: datetime
    alerts: int = 0
    worst: Severity = Severity.INFO
    address: str = ""

    @property
    def level(self) -> int:
        """How dark it is, 0 to 4."""
        return sum(self.alerts >= least for least in _LEVELS)


class Line(NamedTuple):
    """A host and its cells, the oldest first."""

    host: str
    alerts: int
    cells: list[Cell]


@router.get("/history/hours")
def hours(visit: Looking, hours: Annotated[int, Query()] = 24) -> Response:
    """Show the hosts with most alerts, hour by hour."""
    span = hours if hours in SPANS else 24
    step = SPANS[span]
    since = began(visit.now, span, step)
    until = since + timedelta(hours=span)
    with visit.site.archives.searching() as archive:
        counted = archive.heat_map(since, until, limit=_MOST_HOSTS)
    return visit.page(
        "hours.html",
        lines=lines(counted, since, span, step),
        columns=[since + timedelta(hours=hour) for hour in range(0, span, step)],
        span=span,
        step=step,
        spans=SPANS,
        most=_MOST_HOSTS,
    )


def began(now: datetime, span: int, step: int) -> datetime:
    """Return when the first cell begins: the last one holds `now`, and days begin with a cell."""
    hour = now.hour // step * step
    return now.replace(hour=hour, minute=0, second=0, microsecond=0) + timedelta(hours=step - span)


def lines(counted: Sequence[Count], since: datetime, span: int, step: int) -> list[Line]:
    """Return a line for each host, that with most alerts first."""
    totals: Counter[str] = Counter()
    sums: defaultdict[tuple[str, int], list[Count]] = defaultdict(list)
    for each in counted:
        totals[each.value] += each.alerts
        sums[each.value, int((each.hour - since) / timedelta(hours=step))].append(each)
    return [
        Line(
            host,
            alerts,
            [
                _cell(host, since + timedelta(hours=number * step), step, sums.get((host, number), []))
                for number in range(span // step)
            ],
        )
        for host, alerts in totals.most_common()
    ]


def _cell(host: str, at: datetime, step: int, counted: Sequence[Count]) -> Cell:
    if not counted:
        return Cell(at)
    until = at + timedelta(hours=step)
    asked = {"host": host, "since": f"{at:%Y-%m-%dT%H:%M}", "until": f"{until:%Y-%m-%dT%H:%M}"}
    worst = max((each.severity for each in counted), key=_ORDER.index)
    return Cell(at, sum(each.alerts for each in counted), worst, f"/history?{urlencode(asked)}")
