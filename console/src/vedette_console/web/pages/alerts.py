"""*Alerts*: all there were, by what the address asks for."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ..live import written
from ..visits import Looking
from . import Page

router = APIRouter()
PAGE = Page(router, "Alerts", "/alerts")
_SHOWN = 100


@router.get("/alerts")
def alerts(visit: Looking, host: Annotated[str, Query(max_length=63)] = "") -> Response:
    """Show the last alerts, of all hosts or of one."""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
        found = [each.alert for each in reader.newest_alerts(_SHOWN, host=host or None)]
    return visit.page("alerts.html", cursor=written(cursor), alerts=found, host=host)
