"""The CA's connections: few, not for long, and counted before anything is spent on them."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState
from vedette_schemas import MAX_REQUEST

_MOST, _MOST_OF_ONE = 200, 20
_HANDSHAKE_SECONDS, _FAREWELL_SECONDS = 5.0, 1.0
_SECONDS = 15.0
"""How long one connection may last, whatever it does: one request takes milliseconds."""


class Gate:
    """Lets connections in, starts TLS on them, and HTTP/1.1 by uvicorn above that."""

    def __init__(self, app: Starlette, context: ssl.SSLContext) -> None:
        """Serve `app`; `context` may be given a new certificate at any time."""
        self._config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            proxy_headers=False,
            ws="none",
            h11_max_incomplete_event_size=MAX_REQUEST,
        )
        self._config.load()
        # Garbage from the network is normal; what fails in the application, it logs itself.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
        self._state, self._context = ServerState(), context
        self._of: Counter[str] = Counter()
        self._greetings: set[asyncio.Task[None]] = set()

    def connection(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return _Newcomer(self._admit)

    def _admit(self, address: str, transport: asyncio.Transport) -> None:
        if self._of.total() >= _MOST or self._of[address] >= _MOST_OF_ONE:
            transport.abort()
            return
        self._of[address] += 1
        greeting = asyncio.get_running_loop().create_task(self._greet(address, transport))
        self._greetings.add(greeting)  # or it could be collected while it waits
        greeting.add_done_callback(self._greetings.discard)

    def _leave(self, address: str) -> None:
        self._of[address] -= 1
        if self._of[address] <= 0:
            del self._of[address]

    async def _greet(self, address: str, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        end = loop.call_later(_SECONDS, transport.abort)

        def ended() -> None:
            if not end.cancelled():
                end.cancel()
                self._leave(address)

        http = _Http(self._config, self._state, ended)
        secured = None
        try:
            secured = await loop.start_tls(
                transport,
                http,
                self._context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=_FAREWELL_SECONDS,
            )
        except OSError:  # no TLS, or not in time
            transport.abort()
        finally:
            if secured is None:
                ended()
        if secured is not None:
            http.begin(secured)


class _Newcomer(asyncio.Protocol):
    """A connection of which nothing is read yet."""

    def __init__(self, admit: Callable[[str, asyncio.Transport], None]) -> None:
        self._admit = admit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = cast("asyncio.Transport", transport)
        opened.pause_reading()
        peer: Any = opened.get_extra_info("peername")
        self._admit(str(peer[0]) if peer else "", opened)


class _Http(H11Protocol):
    """One connection of uvicorn's, that tells when it has ended."""

    def __init__(self, config: uvicorn.Config, state: ServerState, ended: Callable[[], None]) -> None:
        super().__init__(config, state, {})
        self._ended = ended
        self._begun = False
        self._early = b""

    def begin(self, transport: asyncio.Transport) -> None:
        """Begin; `start_tls` may have handed over data already, but no transport."""
        self._begun = True
        self.connection_made(transport)
        if self._early:
            self.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        if self._begun:
            super().data_received(data)
        else:
            self._early += data

    def eof_received(self) -> None:
        if self._begun:
            super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()
        if self._begun:
            super().connection_lost(exc)
