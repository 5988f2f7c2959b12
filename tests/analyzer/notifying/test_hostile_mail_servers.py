"""Mail servers that mean harm: they take their time, never end, part in the middle, and repeat secrets."""

import asyncio
import resource
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_analyzer.notifying.dispatch import Item, Waiting, dispatch
from vedette_analyzer.notifying.mailing import Mailer
from vedette_analyzer.notifying.queue import Outgoing
from vedette_analyzer.notifying.sending import NotSentError
from vedette_analyzer.notifying.settings import EmailRoute, MailServer
from vedette_analyzer.notifying.showing import BY_DEFAULT, shown

from tests.analyzer.notifying.routes import UTC_ZONE, route, write
from tests.analyzer.notifying.telling import alert
from tests.analyzer.notifying.test_mail_servers import secured

pytestmark = pytest.mark.system

PASSWORD = "correct horse 4711"
Script = Callable[[socket.socket], None]


@contextmanager
def serving(script: Script) -> Generator[int]:
    """Answer each who comes as the script does; yield the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listening, script), daemon=True).start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.close()


def _accept(listening: socket.socket, script: Script) -> None:
    while True:
        try:
            connection = listening.accept()[0]
        except OSError:
            return
        threading.Thread(target=_play, args=(script, connection), daemon=True).start()


def _play(script: Script, connection: socket.socket) -> None:
    try:
        with connection:
            script(connection)
    except OSError:
        return


def until_gone(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def drips(connection: socket.socket) -> None:
    connection.settimeout(0.1)
    while True:
        connection.sendall(b"2")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue


def never_ends_its_reply(connection: socket.socket) -> None:
    connection.sendall(b"220 mail\r\n")
    connection.recv(1_000)
    while True:
        connection.sendall(b"250-x\r\n" * 10_000)


def never_ends_its_line(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"2" * 100_000)


def parts_in_data(connection: socket.socket) -> None:
    replies(b"250 mail", b"250 OK", b"250 OK", b"354 go on")(connection)
    connection.recv(10)


def speaks_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"\xff\x00\x1b[2J HTTP/1.1 400\r\n\r\n")
    until_gone(connection)


def replies(*lines: bytes) -> Script:
    """Greet, and answer each command with the next of these lines."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        for line in lines:
            connection.recv(65_536)
            connection.sendall(line + b"\r\n")

    return script


def send(port: int, folder: Path, **changes: object) -> None:
    """Send an alert; raise what the mailer does."""
    its_route = route()
    assert isinstance(its_route, EmailRoute)
    fields: dict[str, object] = {"host": "127.0.0.1", "sender": "vedette@school.example", "tls": "none"}
    server = MailServer.model_validate(fields | {"port": port, "timeout_seconds": 1} | changes)
    now = datetime.now(UTC)
    item = Item(newest=shown(alert(), BY_DEFAULT), count=1, first_at=now, last_at=now)
    message = dispatch("officer/officer@school.example", (Waiting("", item, now),), now)
    mailer = Mailer(its_route, "officer@school.example", server, UTC_ZONE, folder)
    asyncio.run(mailer.send(Outgoing(message)))


@pytest.mark.parametrize(
    "script", [until_gone, drips, never_ends_its_reply, never_ends_its_line, parts_in_data, speaks_nonsense]
)
def test_it_costs_a_server_nothing_to_be_hostile_and_us_little(tmp_path: Path, script: Script) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(script) as port, pytest.raises(NotSentError) as caught:
        send(port, tmp_path)
    assert str(caught.value).isprintable()
    assert not caught.value.is_refused
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"


@pytest.mark.parametrize(
    ("lines", "words", "is_refused", "needs_help"),
    [
        ((b"250 mail", b"250 OK", b"451 later"), "451 later", False, False),
        ((b"250 mail", b"250 OK", b"550 nobody"), "550 nobody", False, True),
        ((b"250 mail", b"250 OK", b"250 OK", b"554 no"), "554 no", True, False),
        ((b"250 mail", b"550 not for you"), "550 not for you", False, True),
        ((b"421 too much to do",), "421 too much", False, False),
    ],
)
def test_what_it_answers_says_what_is_to_be_done(
    tmp_path: Path, lines: tuple[bytes, ...], words: str, is_refused: bool, needs_help: bool
) -> None:
    with serving(replies(*lines)) as port, pytest.raises(NotSentError, match=words) as caught:
        send(port, tmp_path)
    assert (caught.value.is_refused, caught.value.needs_help) == (is_refused, needs_help)


def test_a_password_that_is_repeated_as_it_was_said_is_not_told_on(tmp_path: Path) -> None:
    context = secured(tmp_path)
    write(tmp_path / "password", PASSWORD)
    said: list[bytes] = []

    def repeats(plain: socket.socket) -> None:
        with context.wrap_socket(plain, server_side=True) as connection:
            connection.sendall(b"220 mail\r\n")
            while received := connection.recv(65_536):
                if received.startswith(b"EHLO"):
                    connection.sendall(b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n")
                    continue
                said.append(received)
                connection.sendall(b"535 what is " + received.strip() + b" " + PASSWORD.encode() + b"\r\n")

    login = {"user": "vedette", "password_file": "password", "ca": "server/ca.pem", "tls": "tls"}
    with serving(repeats) as port, pytest.raises(NotSentError, match="refuses the login: 535") as caught:
        send(port, tmp_path, **login)
    assert said
    for secret in (PASSWORD, b64encode(PASSWORD.encode()).decode().rstrip("="), said[0].split()[-1].decode()):
        assert secret not in str(caught.value)
    assert caught.value.needs_help


def test_what_is_said_before_tls_counts_for_nothing(tmp_path: Path) -> None:
    context = secured(tmp_path)
    said: list[bytes] = []

    def injects(plain: socket.socket) -> None:
        plain.sendall(b"220 mail\r\n")
        plain.recv(1_000)
        plain.sendall(b"250-mail\r\n250 STARTTLS\r\n")
        plain.recv(1_000)
        plain.sendall(b"220 go on\r\n250 injected\r\n250 OK\r\n250 OK\r\n354 go on\r\n250 taken\r\n")
        with context.wrap_socket(plain, server_side=True) as connection:
            while received := connection.recv(65_536):
                said.append(received)
                connection.sendall(b"554 no\r\n")

    with serving(injects) as port, pytest.raises(NotSentError):
        send(port, tmp_path, tls="starttls", ca="server/ca.pem")
    assert not [line for line in said if b"Subject:" in line]
