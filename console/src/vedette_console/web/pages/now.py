"""*Now*: is the network well, what waits for somebody, and what happens as it happens."""

from datetime import UTC, datetime

from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import Response
from vedette_archive import Reader
from vedette_schemas import Alert

from .. import standing
from ..live import Region, written
from ..rendering import fragment
from ..roles import What
from ..settings import ConsoleSettings
from ..visits import Looking
from . import Page

router = APIRouter()
_SHOWN = 50
_MOST_MARKED = 12


@router.get("/")
def now(visit: Looking) -> Response:
    """Show how it all is."""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
        alerts = [each.alert for each in reader.newest_alerts(_SHOWN)]
        names = ("now-hosts", _waiting_region(may_act=visit.may(What.ACT)))
        regions = {name: visit.site.live.render(reader, name) for name in names}
    return visit.page("now.html", cursor=written(cursor), alerts=alerts, regions=regions)


def row(alert: Alert) -> Markup:
    """Return an alert as a row of a list."""
    return fragment("rows.html", "alert_row", alert)


def regions(settings: ConsoleSettings) -> dict[str, Region]:
    """Return the parts of this page that renew themselves."""

    def hosts(reader: Reader, _: str) -> Markup:
        found = standing.hosts(reader, settings, datetime.now(UTC))
        return fragment("parts.html", "hosts", found, _MOST_MARKED)

    def waiting(reader: Reader, kind: str) -> Markup:
        found = standing.waiting(reader, datetime.now(UTC))
        return fragment("parts.html", "waiting", found, may_act=kind == "act")

    return {"now-hosts": hosts, "now-waiting": waiting}


def _waiting_region(*, may_act: bool) -> str:
    return "now-waiting:act" if may_act else "now-waiting"


PAGE = Page(router, "Now", "/", regions=regions)
