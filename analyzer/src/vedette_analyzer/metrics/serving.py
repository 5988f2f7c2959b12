"""Answers Prometheus: one question at a time, so that nobody who asks can hold up more than that."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from vedette_schemas import SettingsError
from vedette_transport.settings import Address

_PATIENCE = 5.0


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the base)
        """Log nothing: it would be two lines a minute for ever."""


class _Server(WSGIServer):
    def server_bind(self) -> None:
        """Bind without asking for our own name, which may take its time."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer, and hang up on who takes more time than that for all of it."""
        timer = threading.Timer(_PATIENCE, _hang_up, (request,))
        timer.daemon = True
        timer.start()
        try:
            super().process_request(request, client_address)
        finally:
            timer.cancel()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of who hung up."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed by now
        connection.shutdown(socket.SHUT_RDWR)


class MetricsServer:
    """Serves a registry at an address, in a thread of its own."""

    def __init__(self, address: Address, registry: CollectorRegistry) -> None:
        """Listen; raise `SettingsError` where that can't be."""
        kind = _Server6 if ":" in address.host else _Server
        try:
            self._server = kind((address.host, address.port), _Handler)
        except OSError as error:
            raise SettingsError(f"metrics: {address}: can't listen there: {error.strerror}") from None
        self._registry = registry
        self._server.set_app(self._answer)
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def _answer(self, asked: WSGIEnvironment, begin: StartResponse) -> Iterator[bytes]:
        if (asked["REQUEST_METHOD"], asked["PATH_INFO"]) != ("GET", "/metrics"):
            begin("404 Not Found", [("Content-Type", "text/plain")])
            yield b"ask for /metrics\n"
            return
        figures = generate_latest(self._registry)
        begin("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        yield figures

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
