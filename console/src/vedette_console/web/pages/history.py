"""*History*: all alerts and observations that are kept, by what the address asks for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response
from vedette_archive import By, Events, Query, QueryError
from vedette_archive import Page as Found
from vedette_schemas import Kind, Severity

from ..detectors import detectors
from ..observed import seen
from ..roles import What
from ..visits import ForbiddenError, Looking, Visit
from . import Page
from .charts import bars

router = APIRouter()
PAGE = Page(router, "History", "/history")

_SHOWN = 100
_DAYS = 7
"""What the chart spans where nobody asks for a time."""

_MOST_HOURS = 24 * 366
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class Span(NamedTuple):
    """What the chart counts, from when until when: all alerts, or those of one value."""

    since: datetime
    until: datetime
    by: By | None = None
    value: str = ""

    @property
    def hours(self) -> int:
        """How many hours it touches."""
        return int((self.until - self.since) / timedelta(hours=1))


@router.get("/history")
def history(visit: Looking, request: Request) -> Response:
    """Show what fits, newest first; the address holds the question, so that it can be passed on."""
    asked = request.query_params.multi_items()
    after = request.query_params.get("after") or None
    query, found, trouble = Query.read([]), Found(), ""
    try:
        query = _read(visit, request)
        with visit.site.archives.searching() as archive:
            found = archive.search(query, after, _SHOWN)
    except QueryError as error:
        trouble = str(error)
    older = urlencode([*query.pairs(), ("after", found.next)]) if found.next else ""
    span = span_of(query, visit.now)
    with visit.site.archives.searching() as archive:
        known = detectors(archive, visit.now)
    return visit.page(
        "history.html",
        400 if trouble else 200,
        query=query,
        said=dict(asked),
        found=found,
        observations=[seen(each) for each in found.observations],
        older=older,
        is_later=after is not None,
        trouble=trouble,
        kinds=tuple(Kind),
        span=span,
        counts=_counts(visit, span),
        chart=urlencode(query.pairs()),
        detectors=known,
    )


@router.get("/history/chart")
def chart(visit: Looking, request: Request) -> Response:
    """Return how many alerts there were over the time that is asked for, by severity."""
    try:
        span = span_of(_read(visit, request), visit.now)
    except QueryError as error:
        return JSONResponse({"words": str(error)}, 400)
    with visit.site.archives.searching() as archive:
        return JSONResponse(bars(archive, span.since, span.hours, span.by, span.value))


def span_of(query: Query, now: datetime) -> Span:
    """Return what is charted for a question: whole hours, at most a year of them."""
    until = _hour(max(min(query.until or now, now), _FIRST)) + timedelta(hours=1)
    since = _hour(query.since) if query.since else until - timedelta(days=_DAYS)
    since = max(min(since, until - timedelta(hours=2)), until - timedelta(hours=_MOST_HOURS))
    for by, values in ((By.INDICATOR, query.indicator), (By.DETECTOR, query.detector), (By.HOST, query.host)):
        if len(values) == 1:
            return Span(since, until, by, values[0])
    return Span(since, until)


def _counts(visit: Visit, span: Span) -> dict[str, int]:
    """Return how many alerts of each severity there were, the gravest first."""
    with visit.site.archives.searching() as archive:
        found = archive.over_time(span.since, span.until, by=span.by, value=span.value)
    counted: Counter[Severity] = Counter()
    for each in found:
        counted[each.severity] += each.alerts
    return {str(severity): counted[severity] for severity in reversed(Severity) if counted[severity]}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _read(visit: Visit, request: Request) -> Query:
    """Read the address; raise `QueryError`, or `ForbiddenError` for what not everybody may see."""
    asked = request.query_params.multi_items()
    query = Query.read([(name, value) for name, value in asked if name != "after"])
    if query.events is Events.OBSERVATIONS and not visit.may(What.OBSERVATIONS):
        raise ForbiddenError(f"Your role, {visit.account.role}, may not see what people copied and read.")
    return query
