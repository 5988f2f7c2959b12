"""Reaches servers of the Internet, and one that the operator named; no operation outlasts a deadline."""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import httpcore
import httpx
from vedette_indicators.formats import on_the_internet
from vedette_schemas import VedetteError

MAX_ADDRESSES = 4


class SourceError(VedetteError):
    """A source can't be read now; the text says why, and holds nothing secret of its URL."""


class _Timed(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline: who sends a byte a second gets no longer."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class Reaching(httpcore.NetworkBackend):
    """Connects to addresses of the Internet; `private` is the one host that may be elsewhere.

    A name is resolved once, and what is connected to is the address that was looked at: a name that leads
    elsewhere a moment later changes nothing.
    """

    def __init__(self, deadline: float, private: str | None) -> None:
        """`deadline` is in seconds of the monotonic clock."""
        self._deadline, self._private = deadline, private
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers; raise `SourceError` where none may be asked."""
        addresses = _resolved(host, port)
        if host != self._private:
            addresses = [address for address in addresses if on_the_internet(ip_address(address))]
        if not addresses:
            raise SourceError(
                f"{host} is in a private network; feeds come from there only if 'private' says so"
            )
        failure: Exception = httpcore.ConnectError()
        for address in addresses[:MAX_ADDRESSES]:
            try:
                left = _left(self._deadline, timeout)
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options or ())
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceError(f"{host} is not known to the DNS, or that does not answer") from None
    return list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(left, timeout)


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class Transport(httpx.BaseTransport):
    """Sends httpx's requests over connections that `Reaching` makes."""

    def __init__(self, reaching: Reaching, context: ssl.SSLContext) -> None:
        """Trust what `context` trusts."""
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=reaching)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request without a body; raises httpcore's errors."""
        url = request.url
        asked = httpcore.Request(
            request.method,
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            extensions=request.extensions,
        )
        answer = self._pool.handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
