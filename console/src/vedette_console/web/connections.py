"""Connections of browsers: who keeps us waiting for long, or while others want in, is sent away."""

import asyncio
import time
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 1_000
"""Connections that are open at once."""

CROWDED = 800
"""From so many connections on, each new one sends away the one that has kept us waiting for longest."""

ASKING_SECONDS = 10.0
"""How long a request may take to come, up to its body."""

PUSH = "vedette.push"
"""The extension by which an answer that goes on is written without waiting, `Connection.push`."""

_MOST_UNSENT = 256 * 1024


class Connection(H11Protocol):
    """A connection, of which there is always a place left for who asks at once."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """Wait for its first request."""
        super().__init__(*arguments, **named)
        self.began = time.monotonic()
        self._limit: asyncio.TimerHandle | None = None

    @property
    def keeps_us_waiting(self) -> bool:
        """Tell whether it is the other side's turn: to ask, to say the rest, to take our answer."""
        cycle = self.cycle
        return self._is_asking or cycle.more_body or self.flow.write_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as theirs
        """Take a connection; where there are many, at the cost of another one."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > CROWDED:
            others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
            waiting = [each for each in others if each.keeps_us_waiting]
            if waiting:
                oldest = min(waiting, key=lambda each: each.began)
                self.connections.discard(oldest)  # at once, or of many that come together each sends it away
                oldest.leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if not self._is_asking:
            self._unwatch()
        elif self._limit is None and not self.transport.is_closing():
            self._watch()

    def handle_events(self) -> None:
        """Take the requests that came, each with what its answer may be pushed by."""
        super().handle_events()
        if self.cycle is not None:  # pyright: ignore[reportUnnecessaryComparison] # its task has not begun yet
            cast("dict[str, object]", self.cycle.scope)["extensions"] = {PUSH: self.push}

    def push(self, data: bytes) -> bool:
        """Write more of the answer under way; who does not read is sent away. Tell whether it was taken."""
        if self.transport.get_write_buffer_size() > _MOST_UNSENT:
            self.leave()
        if self.transport.is_closing():
            return False
        self.transport.write(self.conn.send(h11.Data(data=data)))
        return True

    def leave(self) -> None:
        """End it at once, whatever is under way."""
        self._unwatch()
        self.transport.abort()

    @property
    def _is_asking(self) -> bool:
        # Before the first request there is no cycle, whatever uvicorn's types say.
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def _watch(self) -> None:
        self.began = time.monotonic()
        self._limit = self.loop.call_later(ASKING_SECONDS, self.leave)

    def _unwatch(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
