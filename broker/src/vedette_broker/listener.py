"""Accepts connections: who is not admitted is closed before TLS, which costs a hundred times as much."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from .admission import Admission
from .connection import Connection
from .grievances import Grievances

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 5.0
_FAREWELL_SECONDS = 1.0
_AT_ONCE = 64
_REST_SECONDS = 0.5
_IDLE_SECONDS, _BETWEEN_SECONDS, _PROBES = 60, 15, 4


class Listener:
    """Stands where amqtt would have an `asyncio.Server`."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        admission: Admission,
        grievances: Grievances,
        make: Callable[[str], Connection],
        context: Callable[[], ssl.SSLContext | None],
    ) -> None:
        """Begin to accept; `make` gets the address that a connection comes from."""
        self._loop = asyncio.get_running_loop()
        self._admission, self._grievances = admission, grievances
        self._make, self._context = make, context
        self._beginning: set[asyncio.Task[None]] = set()
        self._sockets = tuple(sockets)
        for each in self._sockets:
            each.setblocking(False)  # noqa: FBT003
            self._loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Accept no more."""
        for each in self._sockets:
            self._loop.remove_reader(each)
            each.close()
        for task in self._beginning:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until those who had begun are gone."""
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no file descriptors are left, most likely
                self._grievances.say("the broker", f"can't accept connections: {error.strerror}")
                self._loop.remove_reader(listening)
                self._loop.call_later(_REST_SECONDS, self._accept_again, listening)
                return
            address = str(peer[0])
            if refusal := self._admission.refusal(address, self._loop.time()):
                accepted.close()
                self._grievances.say(address, f"refused: {refusal}")
                continue
            task = self._loop.create_task(self._begin(accepted, address))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    def _accept_again(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0:
            self._loop.add_reader(listening, self._accept, listening)

    async def _begin(self, accepted: socket.socket, address: str) -> None:
        context = self._context()
        seconds = HANDSHAKE_SECONDS if context else None
        farewell = _FAREWELL_SECONDS if context else None
        connection = self._make(address)
        try:
            _send_at_once(accepted)
            _notice_the_dead(accepted)
            await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=context,
                ssl_handshake_timeout=seconds,
                ssl_shutdown_timeout=farewell,
            )
        except (OSError, asyncio.CancelledError) as error:  # ssl.SSLError is one
            self._grievances.say(address, f"refused: {_in_words(error)}")
            connection.never_was()
            with contextlib.suppress(OSError):
                accepted.close()


def _send_at_once(accepted: socket.socket) -> None:
    """Turn Nagle's algorithm off, which would hold up a command by a delayed ACK, 40 ms.

    asyncio does so only for a socket that says it is TCP's, and one of `socket.create_server` does not.
    """
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _notice_the_dead(accepted: socket.socket) -> None:
    """Have the kernel ask whether the other side is there: a client may have no keep-alive."""
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _BETWEEN_SECONDS)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


def _in_words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"TLS: {error.reason.replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError | ConnectionAbortedError):
        return "TLS took too long"
    return "it went away during the TLS handshake"
