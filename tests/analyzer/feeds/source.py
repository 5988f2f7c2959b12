"""A server on loopback that answers as badly as a test asks for, and keeps what it was asked."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Generator

Behaviour = Callable[[socket.socket], None]


def answer(
    body: bytes | str = b"", *, status: str = "200 OK", length: int | None = None, **headers: str
) -> Behaviour:
    """Answer properly, or with another `length` than the body has."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda client: client.sendall(
        "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content
    )


def redirect(target: str) -> Behaviour:
    return answer(status="302 Found", Location=target)


def endless(head: bytes, part: bytes) -> Behaviour:
    """Send `part` again and again until nobody listens any more."""

    def behave(client: socket.socket) -> None:
        client.sendall(head)
        while True:
            client.sendall(part)

    return behave


def drip(head: bytes, part: bytes) -> Behaviour:
    """Send `part` each twentieth of a second until nobody listens any more."""

    def behave(client: socket.socket) -> None:
        client.sendall(head)
        client.settimeout(0.05)
        while True:
            client.sendall(part)
            with contextlib.suppress(TimeoutError):
                if not client.recv(1):
                    return

    return behave


def silence(client: socket.socket) -> None:
    """Say nothing until the other one hangs up."""
    with contextlib.suppress(OSError):
        client.recv(1)


class Source:
    """Serves `behaviours` by path; `asked` are the heads of the requests."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.asked: list[str] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, name="source", daemon=True).start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            with client:
                head = b""
                while b"\r\n\r\n" not in head and head[:1] != b"\x16" and (part := client.recv(4_096)):
                    head += part
                self.asked.append(head.decode("latin-1"))
                path = self.asked[-1].split(" ")[1] if " " in self.asked[-1] else ""
                self.behaviours.get(path, answer(status="404 Not Found"))(client)


@contextlib.contextmanager
def source(context: ssl.SSLContext | None = None) -> Generator[Source]:
    serving = Source(context)
    try:
        yield serving
    finally:
        serving.close()
