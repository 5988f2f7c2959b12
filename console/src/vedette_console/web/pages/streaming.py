"""What keeps open pages current: one stream of Server-Sent Events each, while a page is in sight."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from vedette_schemas import VedetteError

from ..connections import PUSH
from ..live import Listener, Live, read_cursor
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
        try:
            account = signed_in(site, visit.secret)
        except VedetteError:
            return False  # it comes back at once, and is told what is wrong
        return account is not None and account.name == name and account.role is visit.account.role

    listener = await site.live.listen(cursor, regions, is_welcome, name)
    return _Stream(site.live, listener, request.scope["extensions"][PUSH])


class _Stream(StreamingResponse):
    """An answer that goes on until the browser or the page's listener has enough."""

    def __init__(self, live: Live, listener: Listener, push: Callable[[bytes], bool]) -> None:
        super().__init__((), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._live, self._listener, self._push = live, listener, push

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.leave(self._listener)

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        self._listener.begin(self._push)
        await self._listener.over.wait()
        await send({"type": "http.response.body"})
