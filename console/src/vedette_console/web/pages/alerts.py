"""*Alerts*: all that are kept, by what the address asks for."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response
from vedette_archive import Page as Found
from vedette_archive import Query, QueryError

from ..visits import Looking
from . import Page

router = APIRouter()
PAGE = Page(router, "Alerts", "/alerts")
_SHOWN = 100


@router.get("/alerts")
def alerts(visit: Looking, request: Request) -> Response:
    """Show what fits, newest first; the address holds the question, so that it can be passed on."""
    asked = request.query_params.multi_items()
    after = request.query_params.get("after") or None
    query, found, trouble = Query.read([]), Found(), ""
    try:
        query = Query.read([(name, value) for name, value in asked if name != "after"])
        with visit.site.archives.searching() as history:
            found = history.search(query, after, _SHOWN)
    except QueryError as error:
        trouble = str(error)
    older = urlencode([*query.pairs(), ("after", found.next)]) if found.next else ""
    return visit.page(
        "alerts.html",
        400 if trouble else 200,
        query=query,
        said=dict(asked),
        found=found,
        older=older,
        is_later=after is not None,
        trouble=trouble,
    )
