"""What keeps open pages current: one stream of Server-Sent Events each, while a page is in sight."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from ..live import read_cursor
from ..roles import What
from ..visits import Visit, signed_in, visiting
from . import Page

router = APIRouter()
PAGE = Page(router)

_MOST_REGIONS = 20

_Listening = Annotated[Visit, Depends(visiting(What.LOOK), scope="function")]
"""Their turn is over when the stream begins, or a few open pages would leave none for another."""


@router.get("/live")
async def live(
    visit: _Listening,
    request: Request,
    after: str = "",
    region: Annotated[list[str] | None, Query(max_length=_MOST_REGIONS)] = None,
) -> Response:
    """Tell a page what is new since `after`, or since what it had when it lost us."""
    site, name = visit.site, visit.account.name
    cursor = read_cursor(request.headers.get("last-event-id", "") or after)
    regions = sorted({each for each in region or () if site.live.knows(each)})

    def is_welcome() -> bool:
        account = signed_in(site, visit.secret)
        return account is not None and account.name == name and account.role is visit.account.role

    stream = site.live.listen(cursor, regions, is_welcome, name)
    first = await anext(stream)  # what keeps it from being followed is answered, not broken off

    async def events() -> AsyncIterator[bytes]:
        async with aclosing(stream):
            yield first
            async for event in stream:
                yield event

    return StreamingResponse(events(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
