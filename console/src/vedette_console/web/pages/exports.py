"""What a search finds as a file, written as it is read: of any size, in little memory."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse
from vedette_archive import Events, Query, QueryError
from vedette_archive import Page as Found
from vedette_schemas import SettingsError

from ...exporting import OF_ALERTS, OF_OBSERVATIONS, Format, write_csv, write_lines
from ..apart import apart
from ..archives import Archives
from ..deeds import Deeds
from ..roles import What
from ..visits import Visit, visiting
from ..workbooks import write_workbook
from . import Page

router = APIRouter()
PAGE = Page(router)

_EACH = 1_000
_PIECE = 64 * 2**10
_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_Exporting = Annotated[Visit, Depends(visiting(What.OBSERVATIONS))]


@router.get("/history/export.{form}")
def export(visit: _Exporting, form: str) -> Response:
    """Send all that fits, newest first; the audit has who asked for what."""
    asked = visit.request.query_params.multi_items()
    try:
        query = Query.read([(name, value) for name, value in asked if name != "after"])
        kind = Format(form)
    except QueryError as error:
        return visit.back(str(error), good=False, to="/history")
    except ValueError:
        return visit.back("A search is sent as csv, jsonl or xlsx.", good=False, to="/history")
    words = " ".join(f"{name}={value}" for name, value in query.pairs()) or "all alerts"
    Deeds(visit.site.store).note(visit.account.name, "history.export", f"{kind}: {words}")
    name = f"vedette-{query.events}-{visit.now:%Y%m%dT%H%M%SZ}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    try:
        body = _body(visit, query, kind)
    except SettingsError as error:
        return visit.back(str(error), good=False, to=f"/history?{visit.request.url.query}")
    return StreamingResponse(body, 200, headers, _TYPES[kind])


def _body(visit: Visit, query: Query, form: Format) -> Iterator[bytes]:
    """Return the file; raise `SettingsError` where it can't be made."""
    if form is not Format.XLSX:
        return _written(visit.site.archives, query, form)
    pieces = _workbook(visit.site.settings.archive, query)
    next(pieces)
    return pieces


def _workbook(archive: Path, query: Query) -> Iterator[bytes]:
    """Yield nothing when the workbook is there, then its pieces: it is not written from front to back."""
    with tempfile.NamedTemporaryFile(prefix="vedette-") as whole:
        apart(write_workbook, archive, query, Path(whole.name))
        yield b""
        while piece := whole.read(_PIECE):
            yield piece


def _written(archives: Archives, query: Query, form: Format) -> Iterator[bytes]:
    """Yield the file, a page of the search at a time."""
    columns = OF_ALERTS if query.events is Events.ALERTS else OF_OBSERVATIONS
    for number, page in enumerate(_pages(archives, query)):
        part = io.StringIO(newline="")
        if form is Format.JSONL:
            write_lines([page], part)
            yield part.getvalue().encode("utf-8", "replace")
        else:
            write_csv([page], columns, part)
            text = part.getvalue()
            yield (text if number == 0 else text.partition("\r\n")[2]).encode("utf-8", "replace")


def _pages(archives: Archives, query: Query) -> Iterator[Found]:
    """Yield all pages; between two of them nothing is held open, however slowly the file is taken."""
    after: str | None = None
    while True:
        with archives.searching() as history:
            page = history.search(query, after, _EACH)
        yield page
        if page.next is None:
            return
        after = page.next
