"""Sends a message to a syslog server, an event each alert."""

import array
import asyncio
import fcntl
import os
import socket
import ssl
import termios
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import events, rfc5424
from .dispatch import Dispatch, Item
from .queue import Outgoing
from .secure import ClientContext, certificate_trouble, is_not_trusted
from .sending import NotSentError
from .settings import SyslogRoute
from .showing import limited

_MOST_DATAGRAM = 2_048
"""Bytes that every receiver of RFC 5426 should take."""

_MOST_FRAME = 8_192
_SHORTER = (1_000, 300, 100, 30)


class _AnsweredError(Exception):
    """What was reached answers; a syslog server never does."""


class SyslogSender:
    """Sends on one route. A stream is closed after each message, and the other end's close waited for.

    Syslog has no receipts: what was closed in order on both sides has arrived, as far as can be known.
    """

    def __init__(self, route: SyslogRoute, folder: Path) -> None:
        """Raise `SettingsError` where certificates can't be used."""
        self._route = route
        paths = (path and folder / path for path in (route.ca, route.certificate, route.key))
        self._context = ClientContext(*paths) if route.over == "tls" else None
        self._thread = ThreadPoolExecutor(1, "syslog")  # of its own: many that are stuck hold up no other

    async def send(self, outgoing: Outgoing) -> None:
        """Send an event each alert; raise `NotSentError` where they have not arrived."""
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._send, self.messages(outgoing.dispatch))
        except _AnsweredError:
            why = f"{self} answers, which no syslog server does: is it another program's port?"
            raise NotSentError(why, needs_help=True) from None
        except TimeoutError:
            raise NotSentError(f"{self} does not answer in time") from None
        except OSError as error:
            if is_not_trusted(error):
                why = f"{self} is not to be trusted: {certificate_trouble(error)}"
                raise NotSentError(why, needs_help=True) from None
            raise NotSentError(f"{self} can't be reached: {error.strerror or error}") from None

    def messages(self, dispatch: Dispatch) -> list[bytes]:
        """Return the events of a message, each short enough for its way."""
        return [self._message(dispatch, item) for item in dispatch.items]

    def __str__(self) -> str:
        """Return where it sends to."""
        return f"the syslog server {self._route.address}"

    def _message(self, dispatch: Dispatch, item: Item) -> bytes:
        most = _MOST_DATAGRAM if self._route.over == "udp" else _MOST_FRAME
        found = b""
        for length in _SHORTER:
            found = self._written(dispatch, item, length)
            if len(found) <= most:
                break
        return found

    def _written(self, dispatch: Dispatch, item: Item, length: int) -> bytes:
        seen = limited(item.newest, self._route.may_see)
        body = (events.cef if self._route.body == "cef" else events.ocsf)(item, seen, length)
        parameters = {
            "id": str(seen.id),
            "state": str(seen.state),
            "severity": str(seen.severity),
            "count": str(item.count),
            "message": str(dispatch.id),
            **({"host": seen.host} if seen.host else {}),
        }
        return rfc5424.message(
            facility=self._route.facility,
            severity=seen.severity,
            at=item.last_at,
            host=socket.gethostname(),
            process=str(os.getpid()),
            kind=seen.detector or "alert",
            element=f"vedette@{self._route.enterprise}",
            parameters=parameters,
            body=body,
        )

    def _send(self, messages: list[bytes]) -> None:
        address = (self._route.address.host, self._route.address.port)
        if self._route.over == "udp":
            _send_datagrams(address, messages)
            return
        timeout = float(self._route.timeout_seconds)
        with socket.create_connection(address, timeout) as plain:
            if self._context is None:
                plain.sendall(rfc5424.framed(messages))
                plain.shutdown(socket.SHUT_WR)
                _await_close(plain)
                return
            with self._context.now().wrap_socket(plain, server_hostname=address[0]) as secure:
                secure.sendall(rfc5424.framed(messages))
                _close(secure)


def _send_datagrams(address: tuple[str, int], messages: list[bytes]) -> None:
    family, kind, protocol, _, place = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as sending:
        sending.connect(place)
        for each in messages:
            sending.send(each)


def _await_close(connection: socket.socket) -> None:
    """Wait until the other end has closed too; one that never does must have taken all at least."""
    try:
        if connection.recv(1):
            raise _AnsweredError
    except TimeoutError:
        if _not_taken(connection):
            raise


def _close(secure: ssl.SSLSocket) -> None:
    """Say that this was all and wait for the answer; many close without one, which is as good."""
    try:
        secure.unwrap()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return
    except ssl.SSLError as error:
        if error.reason != "APPLICATION_DATA_AFTER_CLOSE_NOTIFY":
            raise
        raise _AnsweredError from None
    except TimeoutError:
        if _not_taken(secure):
            raise


def _not_taken(connection: socket.socket) -> int:
    """Return how many bytes the other end's kernel has not taken yet."""
    left = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, left)
    return left[0]
