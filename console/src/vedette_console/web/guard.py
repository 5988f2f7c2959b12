"""What holds for every request and answer, whichever page: known names only, small bodies, strict headers."""

import asyncio
import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 64 * 1024
"""Of a request's body."""

BODY_SECONDS = 20.0
"""How long a request's body may take to come."""

_NOT_SO_CALLED = (
    "Not under this name. The console is told its names when it starts: 'vedette up --name NAME', or"
    " 'names' in console.toml.\n"
)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", re.IGNORECASE)

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Guard:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, names: Iterable[str] | None) -> None:
        """Answer under these names alone; `None`: under any, since a certificate says who we are.

        Without TLS a page elsewhere could have its own name mean this machine, and read us by it.
        """
        self._app = app
        self._names = None if names is None else frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = host_name(Headers(scope=scope).get("host", ""))
        if not name or (self._names is not None and name not in self._names):
            await PlainTextResponse(_NOT_SO_CALLED, 421)(scope, receive, _with_headers(send))
            return
        await self._app(scope, _measured(receive), _with_headers(send))


def host_name(host: str) -> str:
    """Return the name in a `Host` header, without its port; empty where that is none."""
    found = _HOST.fullmatch(host)
    return "" if found is None else (found[1] or found[2]).lower()


def _measured(receive: Receive) -> Receive:
    """Return what receives a body, as long as it is small and comes soon; raise `HTTPException` else."""
    read, deadline, is_whole = 0, asyncio.get_running_loop().time() + BODY_SECONDS, False

    async def measured() -> Message:
        nonlocal read, is_whole
        if is_whole:
            return await receive()  # that somebody leaves may take as long as it likes
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        read += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if read > MOST_BYTES:
            raise HTTPException(413)
        return message

    return measured


def _with_headers(send: Send) -> Send:
    async def completed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return completed
