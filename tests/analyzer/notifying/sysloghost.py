"""A syslog server on loopback, by TLS, TCP or UDP, which reads RFC 5424 as its grammar has it."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import NamedTuple

from tests import brokers

WAIT = 20.0
_HEADER = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48})"
    r" (?P<process>[!-~]{1,128}) (?P<kind>[!-~]{1,32}) "
)
_ELEMENT = re.compile(
    r"\[(?P<id>[^\s=\]\"]{1,32})(?P<params>(?: [^\s=\]\"]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\]"
)
_PARAMETER = re.compile(r" ([^\s=\]\"]+)=\"((?:[^\"\\\]]|\\[\"\\\]])*)\"")


class Event(NamedTuple):
    """A message of RFC 5424, taken apart."""

    facility: int
    severity: int
    time: str
    host: str
    app: str
    kind: str
    element: str
    parameters: dict[str, str]
    body: str


def parse(message: bytes) -> Event:
    text = message.decode()
    header = _HEADER.match(text)
    assert header, text
    element = _ELEMENT.match(text, header.end())
    assert element, text
    assert text[element.end()] == " "
    parameters = {
        name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in _PARAMETER.findall(element["params"])
    }
    facility, severity = divmod(int(header["pri"]), 8)
    head = (header["time"], header["host"], header["app"], header["kind"])
    return Event(facility, severity, *head, element["id"], parameters, text[element.end() + 1 :])


class SyslogHost:
    """`events` is what it was sent; with `is_deaf` it never closes what others have closed.

    `answer` is what it says to each, again and again, as no syslog server does.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        is_deaf: bool = False,
        at: str = "127.0.0.1",
        answer: bytes = b"",
    ) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._tls, self._is_deaf, self._answer = tls, is_deaf, answer
        self._listening = socket.create_server((at, brokers.free_port()))
        self._kept: list[socket.socket] = []
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def next(self) -> Event:
        return self.events.get(timeout=WAIT)

    def close(self) -> None:
        self._listening.close()
        for each in self._kept:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listening.accept()[0]
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            if self._answer:
                self._talk(connection)
            found = b""
            while received := connection.recv(65_536):
                found += received
                while (length := re.match(rb"([1-9]\d*) ", found)) is not None:
                    end = length.end() + int(length[1])
                    if len(found) < end:
                        break
                    self.events.put(parse(found[length.end() : end]))
                    found = found[end:]
            if self._is_deaf:
                self._kept.append(connection)
                return
            with contextlib.suppress(OSError), connection:
                if isinstance(connection, ssl.SSLSocket):
                    connection.unwrap().close()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            while True:
                connection.sendall(self._answer)
                time.sleep(0.05)


@contextmanager
def serving(
    tls: ssl.SSLContext | None = None, *, is_deaf: bool = False, at: str = "127.0.0.1", answer: bytes = b""
) -> Generator[SyslogHost]:
    host = SyslogHost(tls, is_deaf=is_deaf, at=at, answer=answer)
    try:
        yield host
    finally:
        host.close()
