"""*Alerts*: all that are kept, by what the address asks for; several can be dealt with at once."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response
from vedette_archive import Events, Query, QueryError
from vedette_archive import Page as Found
from vedette_schemas import MAX_TRIAGED, IncidentStatus, SettingsError, Suppress, Triage, VedetteError, Wanted

from ...lines import count
from ...results import Came
from ...suppressing import suppress_all
from ..acting import Asked, carry_out
from ..detectors import detectors
from ..live import written
from ..roles import What
from ..visits import Looking, Triaging, Visit
from . import Page

router = APIRouter()
PAGE = Page(router, "Alerts", "/alerts")
_SHOWN = 100
_MOST_SCOPES = 20

LENGTHS = {3_600: "1 hour", 86_400: "1 day", 604_800: "7 days", 2_592_000: "30 days"}
"""How long something is suppressed, in seconds."""

_USUAL = 604_800


@router.get("/alerts")
def alerts(visit: Looking, request: Request) -> Response:
    """Show what fits, newest first; the address holds the question, so that it can be passed on."""
    asked = request.query_params.multi_items()
    after = request.query_params.get("after") or None
    query, found, trouble = Query.read([]), Found(), ""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
    try:
        query = Query.read([(name, value) for name, value in asked if name != "after"])
        if query.events is not Events.ALERTS:
            raise QueryError("events: here are alerts alone")
        with visit.site.archives.searching() as history:
            found = history.search(query, after, _SHOWN)
    except QueryError as error:
        trouble = str(error)
    with visit.site.archives.reading() as reader:
        suppressed = len(reader.suppressed.in_force(visit.now))
    with visit.site.archives.searching() as history:
        known = detectors(history, visit.now)
    older = urlencode([*query.pairs(), ("after", found.next)]) if found.next else ""
    return visit.page(
        "alerts.html",
        400 if trouble else 200,
        query=query,
        said=dict(asked),
        found=found,
        older=older,
        is_later=after is not None,
        cursor="" if trouble or after is not None else written(cursor),
        trouble=trouble,
        lengths=LENGTHS,
        usual=_USUAL,
        suppressed=suppressed,
        detectors=known,
    )


@router.post("/alerts/acknowledge")
def acknowledge(visit: Triaging) -> Response:
    """Say that somebody looks after the incidents of the chosen alerts."""
    chosen = _chosen(visit)
    with visit.site.archives.reading() as reader:
        found = reader.incidents.of_alerts(chosen)
    incidents = {each.id: each for each in found.values()}
    if not incidents:
        return visit.back("Choose alerts that belong to an incident.", good=False)
    names = sorted(incidents)
    alerts = count(sum(each.alerts for each in incidents.values()), "alert")
    whose = "it" if len(incidents) == 1 else "them"
    parts = (names[at : at + MAX_TRIAGED] for at in range(0, len(names), MAX_TRIAGED))
    return _carry_out(
        visit,
        [Triage(incident_ids=tuple(part), status=IncidentStatus.ACKNOWLEDGED) for part in parts],
        f"{alerts} in {whose}, of which you chose {len(found)}",
    )


@router.post("/alerts/suppress")
def suppress(visit: Triaging) -> Response:
    """Have nobody told of what the chosen alerts tell of, for some time."""
    with visit.site.archives.reading() as reader:
        found = reader.alerts(_chosen(visit))
    if not found:
        return visit.back("Choose alerts first.", good=False)
    seconds = int(chosen) if (chosen := visit.text("seconds")) in map(str, LENGTHS) else _USUAL
    try:
        acts: Sequence[Suppress] = suppress_all(
            found,
            reason=visit.text("reason", 500),
            seconds=seconds,
            everywhere=bool(visit.text("everywhere")),
        )
    except SettingsError as error:
        return visit.back(str(error), good=False)
    if not acts:
        return visit.back("What Vedette tells of itself, or of operators, can't be suppressed.", good=False)
    if len(acts) > _MOST_SCOPES:
        return visit.back(f"That is {len(acts)} different things: choose fewer.", good=False)
    return _carry_out(visit, acts)


def _carry_out(visit: Visit, acts: Sequence[Wanted], once_done: str = "") -> Response:
    """Have it all done one after another, and say how much of it was; `once_done` is said of all of it."""
    done: list[str] = []
    refused: list[str] = []
    for what in acts:
        try:
            came = carry_out(visit.site, visit.account, What.TRIAGE, Asked(what))
        except VedetteError as error:
            refused.append(str(error))
            break  # who does not answer one does not answer the next
        (done if came.came is Came.DONE else refused).append(came.words)
    if once_done and not refused:
        done.append(once_done)
    return visit.back("; ".join([*done, *refused]), good=not refused)


def _chosen(visit: Visit) -> list[UUID]:
    """Return the ids of the alerts that were chosen."""
    return list(_ids(visit.form.getlist("alert")))


def _ids(values: Sequence[object]) -> Iterator[UUID]:
    for value in values[:_SHOWN]:
        try:
            yield UUID(str(value))
        except ValueError:
            continue
