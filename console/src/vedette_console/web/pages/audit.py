"""*Audit*: what operators and programs did, and whether that is as it was written down."""

from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response
from vedette_archive import AuditQuery, AuditRow, Verified
from vedette_archive.query import When

from ..deeds import Deeds
from ..roles import What
from ..visits import Visit, posting, visiting
from . import Page

router = APIRouter()
PAGE = Page(router, "Audit", "/audit", What.AUDIT)

_SHOWN = 100
BOOKS = {"network": "acts and actions", "console": "this console"}
"""The chains: the analyzer's in the archive, and our own."""

_Auditing = Annotated[Visit, Depends(visiting(What.AUDIT))]
_Verifying = Annotated[Visit, Depends(posting(What.AUDIT))]


class _Asked(BaseModel):
    """What the address asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    book: Annotated[str, Field(pattern="^(?:network|console)$")] = "network"
    since: When | None = None
    until: When | None = None
    who: Annotated[str, Field(max_length=100)] | None = None
    what: Annotated[str, Field(max_length=64)] | None = None
    host: Annotated[str, Field(max_length=63)] | None = None
    about: Annotated[str, Field(max_length=1_000)] | None = None
    text: Annotated[str, Field(max_length=200)] | None = None
    below: Annotated[int, Field(ge=1, lt=10**18)] | None = None

    @property
    def query(self) -> AuditQuery:
        """What the chain is asked."""
        return AuditQuery(**self.model_dump(exclude={"book"}))


class Checked(NamedTuple):
    """A chain that was verified."""

    book: str
    found: Verified


@router.get("/audit")
def audit(visit: _Auditing) -> Response:
    """Show what was done, newest first."""
    return _page(visit)


@router.post("/audit/verify")
def verify(visit: _Verifying) -> Response:
    """Look whether any row was changed, taken out, put in or moved."""
    with visit.site.archives.reading() as reader:
        network = reader.audit.verify()
    found = [Checked("network", network), Checked("console", Deeds(visit.site.store).verify())]
    return _page(visit, found)


def _page(visit: Visit, checked: list[Checked] | None = None) -> Response:
    said = {name: value for name, value in visit.request.query_params.items() if value.strip()}
    asked, trouble = _Asked(), ""
    try:
        asked = _Asked.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        trouble = f"{'.'.join(map(str, first['loc']))}: {first['msg'][:200]}"
    rows = [] if trouble else _rows(visit, asked)
    older = {**said, "below": rows[-1].number} if len(rows) == _SHOWN else {}
    return visit.page(
        "audit.html",
        400 if trouble else 200,
        asked=asked,
        said=said,
        books=BOOKS,
        rows=rows,
        older=urlencode(older),
        trouble=trouble,
        checked=checked,
    )


def _rows(visit: Visit, asked: _Asked) -> list[AuditRow]:
    if asked.book == "console":
        return Deeds(visit.site.store).rows(asked.query, _SHOWN)
    with visit.site.archives.reading() as reader:
        return reader.audit.rows(asked.query, _SHOWN)
