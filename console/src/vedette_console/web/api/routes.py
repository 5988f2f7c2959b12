"""What can be asked for under `/api/v1`."""

from typing import Annotated

from fastapi import APIRouter, Query
from vedette_schemas import Approve, Direct, TakeBack, Wanted

from ...orders import host_of
from .. import standing
from ..acting import Asked, carry_out
from ..archives import Archives
from ..roles import What
from .calling import Acting, Reading
from .models import AlertsAsked, AlertsFound, Done, Host, Ordered, ToDo

router = APIRouter()


@router.get("/alerts")
def alerts(caller: Reading, asked: Annotated[AlertsAsked, Query()]) -> AlertsFound:
    """Return alerts that fit, newest first, a page at a time."""
    with caller.site.archives.searching() as history:
        found = history.search(asked.query(), asked.after, asked.limit)
    return AlertsFound(alerts=found.alerts, next=found.next, reached=found.reached)


@router.get("/hosts")
def hosts(caller: Reading) -> list[Host]:
    """Return all hosts that are enrolled or were heard."""
    with caller.site.archives.reading() as reader:
        found = standing.hosts(reader, caller.site.settings, caller.now)
    return [Host.of(row) for row in found.rows]


@router.get("/actions")
def actions(caller: Reading) -> list[Ordered]:
    """Return what is in force, waits for approval or is under way."""
    with caller.site.archives.reading() as reader:
        found = [*standing.waiting(reader, caller.now), *standing.current(reader, caller.now)]
    return [Ordered.of(each) for each in found]


@router.post("/acts")
def acts(caller: Acting, to_do: ToDo) -> Done:
    """Have something done, and return what came of it: after 3 seconds at most what is known by then."""
    what = to_do.what
    came = carry_out(caller.site, caller.account, What.ACT, Asked(what, _host(caller.site.archives, what)))
    name = None if came.command_id is None else str(came.command_id)
    return Done(state=came.came, words=came.words, host=came.host, command_id=name)


def _host(archives: Archives, what: Wanted) -> str:
    """Return the host that an act is about; empty where it is about none, or none that is known."""
    match what:
        case Direct(host=host) | Approve(host=host):
            return host
        case TakeBack(command_id=command_id):
            with archives.reading() as reader:
                command = reader.command(command_id)
            return "" if command is None else host_of(command)
        case _:
            return ""
