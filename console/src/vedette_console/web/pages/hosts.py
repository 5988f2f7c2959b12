"""*Hosts*: each as it was last heard, what was seen and done there, and what can be."""

from datetime import UTC, datetime

from fastapi import APIRouter
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response
from vedette_archive import Events, Query
from vedette_indicators import named_target
from vedette_schemas import Block, BlockedHost, Direct, Isolate, Kind

from ...host_rows import Row
from ...hosts import mode_of, read_modes
from .. import standing
from ..acting import Asked
from ..archives import Archives
from ..live import Region, written
from ..observed import Seen, seen
from ..rendering import fragment
from ..roles import What
from ..settings import ConsoleSettings
from ..visits import Acting, Looking, Visit
from . import Page
from .actions import act
from .now import newest_first

router = APIRouter()
_ALERTS, _ACTIONS, _WINDOWS = 20, 20, 20
_AMONG = 500
"""Of how many of the last actions those of one host are looked for."""

LENGTHS = {900: "15 minutes", 3_600: "1 hour", 28_800: "8 hours", 86_400: "1 day", 604_800: "7 days"}
"""How long something is blocked or isolated, in seconds."""


@router.get("/hosts")
def hosts(visit: Looking) -> Response:
    """List the hosts."""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
    return visit.page("hosts.html", cursor=written(cursor), html=visit.site.live.render("hosts"))


@router.get("/hosts/{name}")
def host(visit: Looking, name: str) -> Response:
    """Show one host."""
    with visit.site.archives.reading() as reader:
        found = standing.hosts(reader, visit.site.settings, visit.now)
        row = next((row for row in found.rows if row.host == name), None)
        if row is None:
            raise HTTPException(404)
        cursor = reader.newest_cursor()
        alerts = newest_first(reader.newest_alerts(_ALERTS, host=name))
        waits = [each for each in standing.waiting(reader, visit.now) if each.host == name]
        holds = [each for each in standing.current(reader, visit.now) if each.host == name]
        ordered = [each for each in standing.newest(reader, visit.now, _AMONG) if each.host == name]
    windows = _windows(visit, name)
    return visit.page(
        "host.html",
        host=row,
        mode=_mode(visit.site.settings, row),
        cursor=written(cursor),
        alerts=alerts,
        most=_ALERTS,
        waits=waits,
        holds=holds,
        ordered=ordered[:_ACTIONS],
        windows=windows,
        lengths=LENGTHS,
    )


def _windows(visit: Visit, name: str) -> list[Seen]:
    """Return the last windows that were seen there, for those who may read titles."""
    if not visit.may(What.OBSERVATIONS):
        return []
    wanted = Query(events=Events.OBSERVATIONS, host=(name,), kind=(Kind.WINDOW,))
    with visit.site.archives.searching() as history:
        return [seen(each) for each in history.search(wanted, None, _WINDOWS).observations]


@router.post("/hosts/{name}/isolate")
def isolate(visit: Acting, name: str) -> Response:
    """Cut a host off from all but the broker."""
    order = Isolate(ttl_seconds=_length(visit), why="an operator has isolated this host")
    return _direct(visit, name, order)


@router.post("/hosts/{name}/block")
def block(visit: Acting, name: str) -> Response:
    """Block a page, a host or an address on one host."""
    named = visit.text("target", 2_000)
    found = named_target(named)
    if found is None:
        return visit.back("That names no URL, host, address or network that can be blocked.", good=False)
    if isinstance(found, BlockedHost):
        found = found.model_copy(update={"addresses": bool(visit.text("addresses"))})
    order = Block(target=found, ttl_seconds=_length(visit), why="an operator has blocked this")
    return _direct(visit, name, order)


def _direct(visit: Visit, name: str, order: Block | Isolate) -> Response:
    try:
        what = Direct(host=name, order=order)
    except ValueError:
        return visit.back("There is no such host.", good=False)
    return act(visit, Asked(what, name))


def _length(visit: Visit) -> int:
    """Return how long it is to last; an hour where the form does not say."""
    chosen = visit.text("seconds")
    return int(chosen) if chosen.isascii() and chosen.isdecimal() and int(chosen) in LENGTHS else 3_600


def regions(settings: ConsoleSettings) -> dict[str, Region]:
    """Return the parts of these pages that renew themselves."""

    def all_hosts(archives: Archives, _: str) -> Markup:
        with archives.reading() as reader:
            found = standing.hosts(reader, settings, datetime.now(UTC))
        modes = {row.host: _mode(settings, row) for row in found.rows}
        return fragment("parts.html", "all_hosts", found, modes)

    return {"hosts": all_hosts}


def _mode(settings: ConsoleSettings, row: Row) -> str:
    """Return the lower of the server's mode and what the host itself allows; empty where it is not known."""
    path = settings.analyzer
    mode, is_hosts = mode_of(row, None if path is None else read_modes(path))
    return "" if mode is None else f"{mode}{' (the host allows no more)' if is_hosts else ''}"


PAGE = Page(router, "Hosts", "/hosts", regions=regions)
