"""*Indicators*: what is looked for, how often it was found, and what of it an expression hits."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from starlette.responses import Response
from vedette_archive import By, History
from vedette_indicators import Indicator, IndicatorTable, IndicatorType, Match, RefusedError, explain_url
from vedette_indicators.asking import asked_for
from vedette_schemas import SettingsError

from ...feeds import read as read_feeds
from ..analyzer_settings import AnalyzerRuns, read_analyzer
from ..lists import Lists
from ..visits import Looking, Visit
from . import Page

router = APIRouter()
PAGE = Page(router, "Indicators", "/indicators")

DAYS = 30
_TOP = 10
_MOST_MATCHES = 50
_ALERTS = 2_000
"""Of how many of the last alerts it is counted which list was hit."""

LISTS = Lists()
"""The lists in force, as all pages know them."""


class Hit(NamedTuple):
    """A row that an expression hits, and how many alerts the like of it caused in the last days."""

    match: Match
    alerts: int


@router.get("/indicators")
def indicators(visit: Looking, q: Annotated[str, Query(max_length=4_096)] = "") -> Response:
    """Show what is in force, and what of it an expression hits."""
    runs, trouble = analyzer_runs(visit)
    in_force, expression = LISTS.in_force(runs), q.strip()
    since = visit.now - timedelta(days=DAYS)
    asked, refused = _asked(expression)
    kinds = tuple(row.type for row in asked)
    with visit.site.archives.reading() as reader:
        told = reader.newest_alerts(_ALERTS)
        suppressed = reader.suppressed.in_force(visit.now)
    with visit.site.archives.searching() as archive:
        top = archive.top(By.INDICATOR, since, visit.now, _TOP)
        hits = [
            Hit(match, _alerts(archive, match, since, visit.now))
            for match in _matches(in_force.table, expression, kinds, visit.now.date())
        ]
    entries = {f"{row.type}|{row.value}" for row in (*asked, *(hit.match.indicator for hit in hits))}
    return visit.page(
        "indicators.html",
        q=expression,
        kinds=kinds,
        refused=refused,
        explained=explain_url(expression) if IndicatorType.URL in kinds else None,
        hits=hits,
        suppressed=[each for each in suppressed if each.indicator in entries],
        trouble=trouble,
        is_known=runs is not None,
        lists=in_force.lists,
        feeds={} if runs is None else read_feeds(runs.kept.parent),
        by_list=Counter(each.alert.match.list for each in told if each.alert.match),
        looked_at=len(told),
        top=top,
        days=DAYS,
    )


def analyzer_runs(visit: Visit) -> tuple[AnalyzerRuns | None, str]:
    """Return what the analyzer runs with, or why that is not known."""
    try:
        return read_analyzer(visit.site.settings.analyzer), ""
    except SettingsError as error:
        return None, str(error)


def _asked(expression: str) -> tuple[tuple[Indicator, ...], str]:
    """Return the rows that a list would have for an expression, or why none can hold it."""
    if not expression:
        return (), ""
    try:
        return asked_for(expression), ""
    except RefusedError as error:
        return (), str(error)


def _matches(
    table: IndicatorTable, expression: str, kinds: tuple[IndicatorType, ...], on: date
) -> list[Match]:
    """Return the rows that an expression hits, whatever it is taken for, each once."""
    found: dict[tuple[str, int], Match] = {}
    for match in _hit(table, expression, kinds, on) if expression else ():
        found.setdefault((match.indicator.list, match.indicator.line), match)
    return [*found.values()][:_MOST_MATCHES]


def _hit(
    table: IndicatorTable, expression: str, kinds: tuple[IndicatorType, ...], on: date
) -> Iterator[Match]:
    for kind in kinds:
        match kind:
            case IndicatorType.URL:
                yield from table.url(expression, on=on)
            case IndicatorType.PROGRAM | IndicatorType.PATH:
                yield from table.path(expression, on=on)
            case IndicatorType.HASH:
                yield from table.hash(expression, on=on)
            case IndicatorType.HOST | IndicatorType.IP | IndicatorType.IP_PORT:
                yield from table.connection(expression, on=on)
            case IndicatorType.CIDR | IndicatorType.PHRASE:
                pass
    yield from table.clipboard(expression, on=on)


def _alerts(archive: History, match: Match, since: datetime, until: datetime) -> int:
    value = match.indicator.written
    return sum(each.alerts for each in archive.over_time(since, until, by=By.INDICATOR, value=value))
