"""*Incidents*: alerts that belong together, where each stands, and whose it is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from vedette_archive import (
    ArchivedCommand,
    ArchivedObservation,
    IncidentPage,
    IncidentPlace,
    IncidentQuery,
    Moment,
    Step,
    timeline,
)
from vedette_schemas import MAX_TRIAGED, Alert, IncidentStatus, Triage, VedetteError, name_of

from ...results import Came
from ..acting import Asked, carry_out
from ..observed import seen
from ..roles import What
from ..visits import Looking, Triaging, Visit
from . import Page

router = APIRouter()
PAGE = Page(router, "Incidents", "/incidents")

_SHOWN = 50
_LINES, _ALERTS = 200, 100
_UNRESOLVED = (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED)
_MOST_DIGITS = 12


class Told(NamedTuple):
    """A moment of an incident as it is shown: of which sort, and in words; `rest` for who wants to know."""

    moment: Moment
    sort: str
    words: str
    rest: str = ""
    is_alert: bool = False


@router.get("/incidents")
def incidents(visit: Looking, request: Request) -> Response:
    """List incidents: those that are not resolved, what matters most first, unless the address says else."""
    asked = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    trouble, found, counts = "", IncidentPage((), None), dict[IncidentStatus, int]()
    try:
        query, after = _query(visit, asked), _place(asked.get("after", ""))
        with visit.site.archives.reading() as reader:
            found = reader.incidents.page(query, _SHOWN, after=after, by_score=_is_by_score(asked))
            counts = reader.incidents.counts()
    except ValueError as error:
        trouble = str(error)
    more = {**asked, "after": f"{found.after.score}.{found.after.number}"} if found.after else {}
    return visit.page(
        "incidents.html",
        400 if trouble else 200,
        asked=asked,
        found=found.incidents,
        counts=counts,
        by_score=_is_by_score(asked),
        more=urlencode(more),
        trouble=trouble,
        statuses=tuple(IncidentStatus),
    )


@router.get("/incidents/{incident_id}")
def incident(visit: Looking, incident_id: UUID) -> Response:
    """Show one incident, and what happened about it over all sensors."""
    archives = visit.site.archives
    with archives.reading() as reader, archives.searching() as history:
        found = reader.incidents.get(incident_id)
        if found is None:
            raise HTTPException(404)
        lines = reader.incidents.lines(found.number, _LINES)
        hosts = reader.incidents.hosts(found.number)
        moments = timeline(reader, history, found, _ALERTS)
    told = [each for moment in moments if (each := _told(visit, moment)) is not None]
    return visit.page(
        "incident.html",
        incident=found,
        lines=lines,
        hosts=hosts,
        told=told,
        most=_LINES,
        hides=len(told) < len(moments),
        statuses=tuple(IncidentStatus),
    )


@router.get("/alerts/{alert_id}/incident")
def of_alert(visit: Looking, alert_id: UUID) -> Response:
    """Lead to the incident of an alert: looked for when somebody wants it, so that no row costs more."""
    with visit.site.archives.reading() as reader:
        found = reader.incidents.of_alerts([alert_id]).get(alert_id)
        if found is not None:
            return RedirectResponse(f"/incidents/{found.id}", 303)
        alert = next(iter(reader.alerts([alert_id])), None)
    if alert is None:
        raise HTTPException(404)
    return visit.page("no_incident.html", alert=alert)


@router.post("/incidents/triage")
def triage(visit: Triaging, say: str = "") -> Response:
    """Say where the chosen incidents stand, and whose they are."""
    chosen = tuple(_ids(visit.form.getlist("incident")))
    if not chosen:
        return visit.back("Choose incidents first.", good=False)
    owners = {"mine": visit.account.name, "nobodys": ""}
    try:
        what = Triage(
            incident_ids=chosen,
            status=None if say in (*owners, "note") else IncidentStatus(say),
            owner=owners.get(say),
            note=visit.text("note", 300),
        )
    except (ValidationError, ValueError):
        return visit.back("Say something first: what the note is to be.", good=False)
    try:
        came = carry_out(visit.site, visit.account, What.TRIAGE, Asked(what))
    except VedetteError as error:
        return visit.back(str(error), good=False)
    return visit.back(came.words, good=came.came is Came.DONE)


def _query(visit: Visit, asked: dict[str, str]) -> IncidentQuery:
    """Read an address; raise `ValueError` in words."""
    status, score = asked.get("status", "unresolved"), asked.get("score", "0")
    if status not in ("unresolved", "all", *IncidentStatus):
        raise ValueError(f"status: one of unresolved, all, {', '.join(IncidentStatus)}")
    if not (score.isascii() and score.isdecimal() and len(score) <= _MOST_DIGITS):
        raise ValueError("score: a number from 0 to 100")
    named = {"unresolved": _UNRESOLVED, "all": tuple(IncidentStatus)}
    owner = asked.get("owner")
    return IncidentQuery(
        statuses=frozenset(named[status] if status in named else (IncidentStatus(status),)),
        host=asked.get("host"),
        indicator=asked.get("indicator"),
        owner=visit.account.name if owner == "me" else "" if owner == "nobody" else owner,
        score=int(score),
    )


def _is_by_score(asked: dict[str, str]) -> bool:
    return asked.get("order", "score") == "score"


def _place(text: str) -> IncidentPlace | None:
    """Read where a page begins; raise `ValueError`."""
    if not text:
        return None
    score, _, number = text.partition(".")
    for part in (score, number):
        if not (part.isascii() and part.isdecimal() and len(part) <= _MOST_DIGITS):
            raise ValueError("after: not a place that a page of this list named")
    return IncidentPlace(int(score), int(number))


def _ids(values: Sequence[object]) -> Iterator[UUID]:
    for value in values[:MAX_TRIAGED]:
        try:
            yield UUID(str(value))
        except ValueError:
            continue


def _told(visit: Visit, moment: Moment) -> Told | None:
    """Return a moment in words; `None` for what this account may not see."""
    match moment.what:
        case Alert() as alert:
            done, _, rest = alert.done.partition("; ")
            words = f"{alert.summary}; {done}" if done else alert.summary
            return Told(moment, alert.severity, words, rest, is_alert=True)
        case ArchivedCommand() as command:
            by = f" by {command.ordered_by}" if command.ordered_by else ""
            ended = command.ending or "under way"
            return Told(moment, "command", f"{command.order.action} {name_of(command.order)}{by}: {ended}")
        case ArchivedObservation() as observed:
            if observed.stream.kind == "outcome":
                words, _, rest = seen(observed).what.partition("; ")
                return Told(moment, "outcome", words, rest)
            shown = visit.may(What.OBSERVATIONS)
            return Told(moment, observed.stream.kind, seen(observed).what) if shown else None
        case Step() as step:
            owner = f", {step.owner}'s" if step.owner else ""
            note = f": {step.note}" if step.note else ""
            return Told(moment, "incident", f"{step.status}{owner}, says {step.who}{note}")
