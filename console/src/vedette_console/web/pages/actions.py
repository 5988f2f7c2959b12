"""*Actions*: what is in force and for how long, what waits for approval, what was ordered; and undoing it."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import Response
from vedette_schemas import Approve, TakeBack, VedetteError

from ...orders import host_of
from ...results import Came
from .. import standing
from ..acting import Asked, carry_out
from ..archives import Archives
from ..live import Region, written
from ..rendering import fragment
from ..roles import What
from ..settings import ConsoleSettings
from ..visits import Acting, Looking, Visit
from . import Page

router = APIRouter()
_SHOWN = 100


@router.get("/actions")
def actions(visit: Looking) -> Response:
    """Show what was ordered, and how it stands."""
    with visit.site.archives.reading() as reader:
        cursor = reader.newest_cursor()
    name = "actions:act" if visit.may(What.ACT) else "actions"
    return visit.page("actions.html", cursor=written(cursor), region=name, html=visit.site.live.render(name))


@router.post("/actions/{command_id}/approve")
def approve(visit: Acting, command_id: UUID, shown: str = "") -> Response:
    """Have carried out what waits for approval, as it was shown."""
    with visit.site.archives.reading() as reader:
        command = reader.command(command_id)
    if command is None:
        return visit.back("There is no such action.", good=False)
    host = host_of(command)
    try:
        what = Approve(command_id=command_id, host=host, order=shown)
    except ValueError:
        return visit.back("That page is too old. Look again at what is to be approved.", good=False)
    return act(visit, Asked(what, host))


@router.post("/actions/{command_id}/undo")
def undo(visit: Acting, command_id: UUID) -> Response:
    """Lift a block or an isolation; what waits for approval is not carried out."""
    with visit.site.archives.reading() as reader:
        command = reader.command(command_id)
    if command is None:
        return visit.back("There is no such action.", good=False)
    return act(visit, Asked(TakeBack(command_id=command_id), host_of(command)))


def act(visit: Visit, asked: Asked) -> Response:
    """Have something done, and say what came of it on the page that asked."""
    try:
        came = carry_out(visit.site, visit.account, What.ACT, asked)
    except VedetteError as error:
        return visit.back(str(error), good=False)
    return visit.back(came.words, good=came.came in (Came.DONE, Came.UNANSWERED))


def regions(_: ConsoleSettings) -> dict[str, Region]:
    """Return the parts of this page that renew themselves."""

    def everything(archives: Archives, kind: str) -> Markup:
        now = datetime.now(UTC)
        with archives.reading() as reader:
            return fragment(
                "parts.html",
                "actions",
                standing.waiting(reader, now),
                standing.current(reader, now),
                standing.newest(reader, now, _SHOWN),
                may_act=kind == "act",
            )

    return {"actions": everything}


PAGE = Page(router, "Actions", "/actions", regions=regions)
