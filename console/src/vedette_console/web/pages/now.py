"""*Now*: is the network well, what waits for somebody, and what happens as it happens."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import Response
from vedette_archive import FollowedAlert
from vedette_schemas import Alert

from .. import standing
from ..archives import Archives
from ..live import Region, written
from ..rendering import fragment
from ..roles import What
from ..settings import ConsoleSettings
from ..visits import Looking
from . import Page

router = APIRouter()
_SHOWN = 50
_MOST_MARKED = 12
_HOURS = 24


@router.get("/")
def now(visit: Looking) -> Response:
    """Show how it all is."""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
        alerts = newest_first(reader.newest_alerts(_SHOWN))
    waiting = "now-waiting:act" if visit.may(What.ACT) else "now-waiting"
    names = {"hosts": "now-hosts", "waiting": waiting, "severities": "now-severities"}
    regions = {place: (name, visit.site.live.render(name)) for place, name in names.items()}
    return visit.page("now.html", cursor=written(cursor), alerts=alerts, regions=regions, hours=_HOURS)


def newest_first(found: Sequence[FollowedAlert]) -> list[Alert]:
    """Return alerts in the order of the times that are shown, whichever changed last."""
    return sorted((each.alert for each in found), key=lambda alert: alert.at, reverse=True)


def row(alert: Alert) -> Markup:
    """Return an alert as a row of a list."""
    return fragment("rows.html", "alert_row", alert)


def regions(settings: ConsoleSettings) -> dict[str, Region]:
    """Return the parts of this page that renew themselves."""

    def hosts(archives: Archives, _: str) -> Markup:
        with archives.reading() as reader:
            found = standing.hosts(reader, settings, datetime.now(UTC))
        return fragment("parts.html", "hosts", found, _MOST_MARKED)

    def waiting(archives: Archives, kind: str) -> Markup:
        with archives.reading() as reader:
            found = standing.waiting(reader, datetime.now(UTC))
        return fragment("parts.html", "waiting", found, may_act=kind == "act")

    def severities(archives: Archives, _: str) -> Markup:
        until = datetime.now(UTC)
        with archives.searching() as history:
            found = history.over_time(until - timedelta(hours=_HOURS - 1), until)
        counts: Counter[str] = Counter()
        for each in found:
            counts[str(each.severity)] += each.alerts
        return fragment("parts.html", "severities", counts)

    return {"now-hosts": hosts, "now-waiting": waiting, "now-severities": severities}


PAGE = Page(router, "Now", "/", regions=regions)
