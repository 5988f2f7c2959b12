"""*Suppressions*: what nobody is told of, by whom, why and until when; and lifting it."""

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response
from vedette_schemas import Lift, VedetteError

from ...results import Came
from ..acting import Asked, carry_out
from ..roles import What
from ..visits import Looking, Triaging
from . import Page

router = APIRouter()
PAGE = Page(router)

_SHOWN = 100
"""Of those that are over."""


@router.get("/alerts/suppressions")
def suppressions(visit: Looking) -> Response:
    """Show what is in force, what ends first coming first, and what is over, the newest first."""
    with visit.site.archives.reading() as reader:
        in_force = reader.suppressed.in_force(visit.now)
        newest = reader.suppressed.newest(len(in_force) + _SHOWN)
    held = {each.id for each in in_force}
    return visit.page(
        "suppressions.html",
        in_force=sorted(in_force, key=lambda each: (each.until, each.id)),
        over=[each for each in newest if each.id not in held][:_SHOWN],
    )


@router.post("/alerts/suppressions/{suppression_id}/lift")
def lift(visit: Triaging, suppression_id: UUID) -> Response:
    """End one before its time: what it hid is told again from now on."""
    try:
        came = carry_out(visit.site, visit.account, What.TRIAGE, Asked(Lift(suppression_id=suppression_id)))
    except VedetteError as error:
        return visit.back(str(error), good=False)
    return visit.back(came.words, good=came.came is Came.DONE)
