"""Adding a row to the operators' list, after a look at what it would have hit."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response
from vedette_indicators import COLUMNS, IndicatorType, ListAction
from vedette_schemas import SettingsError, Severity

from ..apart import apart
from ..deeds import Deeds
from ..proposing import Proposed, WouldHaveHit, add, propose, target_of, would_have_hit
from ..roles import What
from ..visits import Visit, posting, visiting
from . import Page
from .indicators import DAYS, LISTS, analyzer_runs

router = APIRouter()
PAGE = Page(router)

_Proposing = Annotated[Visit, Depends(visiting(What.OBSERVATIONS))]
_Adding = Annotated[Visit, Depends(posting(What.LISTS))]


@router.get("/indicators/add")
def proposal(visit: _Proposing) -> Response:
    """Show what a row would have hit in the last days, before anybody puts it on a list."""
    asked = visit.request.query_params
    usual = {"action": ListAction.ALERT, "severity": Severity.MEDIUM}
    fields = {column: asked.get(column, "") or str(usual.get(column, "")) for column in COLUMNS}
    return _proposal(visit, fields)


@router.post("/indicators/add")
def add_row(visit: _Adding) -> Response:
    """Add a row to the operators' list."""
    fields = {column: visit.text(column, 4_097) for column in COLUMNS}
    fields["source"] = f"console/{visit.account.name}"
    target, why_not = target_of(visit.site.settings)
    if target is None:
        return visit.back(why_not, good=False)
    try:
        proposed = propose(fields)
        with visit.site.store.writing():
            words = f"{target}: {proposed.line}"
            Deeds(visit.site.store).note(visit.account.name, "list.add", words, about=proposed.row.written)
            line = add(target, proposed)
    except SettingsError as error:
        return _proposal(visit, fields, str(error), 400)
    words = (
        f"{proposed.row.written} stands in {target.name}, line {line}; the analyzer takes it up by itself."
    )
    return visit.back(words, to="/indicators")


def _proposal(visit: Visit, fields: dict[str, str], trouble: str = "", status: int = 200) -> Response:
    proposed: Proposed | None = None
    found: WouldHaveHit | None = None
    if fields["value"] and not trouble:
        try:
            proposed = propose(fields)
            since = visit.now - timedelta(days=DAYS)
            found = apart(would_have_hit, visit.site.settings.archive, proposed.row, since)
        except SettingsError as error:
            trouble, status = str(error), 400
    target, why_not = target_of(visit.site.settings)
    runs, _ = analyzer_runs(visit)
    return visit.page(
        "propose.html",
        status,
        fields=fields,
        types=tuple(IndicatorType),
        actions=tuple(ListAction),
        proposed=proposed,
        found=found,
        same=[] if proposed is None else LISTS.in_force(runs).same(proposed.row),
        trouble=trouble,
        target=target,
        why_not=why_not,
        days=DAYS,
    )
