"""Services by apprise as they can be: they send us elsewhere, never end, refuse words."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_analyzer.notifying.apprising import AppriseSender
from vedette_analyzer.notifying.dispatch import Item, Waiting, dispatch
from vedette_analyzer.notifying.queue import Outgoing
from vedette_analyzer.notifying.sending import NotSentError
from vedette_analyzer.notifying.settings import AppriseRoute
from vedette_analyzer.notifying.showing import BY_DEFAULT, shown
from vedette_schemas import Alert, SettingsError

from tests.analyzer.notifying.routes import UTC_ZONE, write
from tests.analyzer.notifying.telling import alert, match

pytestmark = pytest.mark.system

Answer = Callable[[socket.socket], None]
ROUTE = AppriseRoute(by="apprise", url_file=Path("url"))
ALERT = alert(match=match(), summary="a listed word")


class Service:
    """Answers each question as it is told to; `asked` is what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                while len(body) < length:
                    body += connection.recv(65_536)
                self.asked.append(head.splitlines()[0] + b"\n" + body)
                self._answer(connection)
        except OSError:
            return


@contextmanager
def serving(answer: Answer) -> Generator[Service]:
    service = Service(answer)
    try:
        yield service
    finally:
        service.close()


def says(status: str, more: str = "") -> Answer:
    head = f"HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
    return lambda connection: connection.sendall(head)


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    connection.settimeout(0.2)
    while True:
        connection.sendall(b"x")
        try:
            if not connection.recv(1):
                return
        except TimeoutError:
            continue


def never_ends(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 20))


def outgoing(told: Alert = ALERT, *, refused: bool = False) -> Outgoing:
    now = datetime.now(UTC)
    item = Item(newest=shown(told, BY_DEFAULT), count=1, first_at=now, last_at=now)
    return Outgoing(dispatch("chat", (Waiting("", item, now),), now), refused)


def send(folder: Path, port: int, *, refused: bool = False, seconds: int = 10) -> None:
    """Send an alert; raise what the sender does."""
    write(folder / "url", f"json://:secret-token@127.0.0.1:{port}/hook\n")
    sender = AppriseSender(ROUTE.model_copy(update={"timeout_seconds": seconds}), "chat", UTC_ZONE, folder)
    asyncio.run(sender.send(outgoing(refused=refused)))


def test_it_is_not_sent_elsewhere(tmp_path: Path) -> None:
    with serving(says("200 OK")) as elsewhere:
        there = says("302 Found", f"Location: http://127.0.0.1:{elsewhere.port}/latest/meta-data\r\n")
        with (
            serving(there) as service,
            pytest.raises(NotSentError, match="does not take it: HTTP 302") as caught,
        ):
            send(tmp_path, service.port)
        assert caught.value.needs_help
        assert (len(service.asked), elsewhere.asked) == (1, [])


def test_nobody_in_a_chat_is_called_by_what_is_listed(tmp_path: Path) -> None:
    with serving(says("200 OK")) as service:
        write(tmp_path / "url", f"mmost://127.0.0.1:{service.port}/{'3' * 32}\n")
        sender = AppriseSender(ROUTE, "chat", UTC_ZONE, tmp_path)
        asyncio.run(sender.send(outgoing(alert(summary="@channel (@all) of operator@anna <!here>"))))
        (asked,) = service.asked
    said = json.loads(asked.partition(b"\n")[2])["text"]
    assert "\uff20channel (\uff20all) of operator@anna" in said
    assert "@channel" not in said


@pytest.mark.parametrize("answer", [drips, never_ends])
def test_an_answer_without_end_is_none(tmp_path: Path, answer: Answer) -> None:
    with serving(answer) as service, pytest.raises(NotSentError) as caught:
        send(tmp_path, service.port, seconds=3)
    assert len(service.asked) == 1
    assert "secret-token" not in str(caught.value)
    assert (caught.value.is_refused, caught.value.needs_help) == (False, False)


def test_words_that_are_refused_are_replaced_by_ids(tmp_path: Path) -> None:
    with serving(says("400 Bad Request")) as service:
        with pytest.raises(NotSentError, match="HTTP 400") as caught:
            send(tmp_path, service.port)
        assert caught.value.is_refused
        with pytest.raises(NotSentError):
            send(tmp_path, service.port, refused=True)
        first, second = (json.loads(asked.partition(b"\n")[2]) for asked in service.asked)
    assert "a listed word" in first["message"]
    assert "a listed word" not in json.dumps(second)
    assert str(ALERT.id) in second["message"]


@pytest.mark.parametrize(("status", "needs_help"), [("404 Not Found", True), ("503 Away", False)])
def test_what_only_a_person_can_mend_is_told_at_once(tmp_path: Path, status: str, needs_help: bool) -> None:
    with serving(says(status)) as service, pytest.raises(NotSentError) as caught:
        send(tmp_path, service.port)
    assert (caught.value.needs_help, caught.value.is_refused) == (needs_help, False)


def test_a_url_that_is_none_is_said_and_not_repeated(tmp_path: Path) -> None:
    for url in ("secret-token", "nothing://secret-token"):
        write(tmp_path / "url", url)
        with pytest.raises(SettingsError, match="url: holds no URL that apprise knows") as caught:
            AppriseSender(ROUTE, "chat", UTC_ZONE, tmp_path)
        assert "secret-token" not in str(caught.value)


def test_a_url_that_has_become_one_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    write(tmp_path / "url", "json://127.0.0.1/hook\n")
    sender = AppriseSender(ROUTE, "chat", UTC_ZONE, tmp_path)
    write(tmp_path / "url", "nothing://secret-token")
    with pytest.raises(NotSentError, match="url: holds no URL that apprise knows") as caught:
        asyncio.run(sender.send(outgoing()))
    assert caught.value.needs_help
    (tmp_path / "url").unlink()
    with pytest.raises(NotSentError, match="url: can't be read") as caught:
        asyncio.run(sender.send(outgoing()))
    assert caught.value.needs_help
