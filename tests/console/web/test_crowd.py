"""Who wants too much at once, or keeps us waiting, is in nobody's way."""

import asyncio
import http.client
import resource
import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send
from vedette_archive import AuditQuery
from vedette_console.web import guard
from vedette_console.web.accounts import Account, Accounts
from vedette_console.web.archives import Archives
from vedette_console.web.connections import ASKING_SECONDS, MOST, PUSH, Connection
from vedette_console.web.deeds import Deeds
from vedette_console.web.live import MOST_OF_ONE, Listener, Live, TooManyError
from vedette_console.web.pages.now import row
from vedette_console.web.roles import Role
from vedette_console.web.sessions import Sessions
from vedette_console.web.signing_in import FREE, Refused, SignIn
from vedette_console.web.store import Store
from vedette_console.web.turns import AT_ONCE, MOST_WANTED, TooMuchError, Turns
from vedette_schemas import SettingsError

from tests.console.web.test_serving import running, settings

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GOOD = "a few good words"

T = TypeVar("T")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "console")
    accounts = Accounts(store)
    accounts.add("anna", Role.ADMIN, NOW)
    accounts.choose("anna", GOOD, NOW)
    yield store
    store.close()


def test_many_guesses_at_once_are_no_more_guesses(store: Store) -> None:
    sign_in = SignIn(store, Accounts(store))
    with ThreadPoolExecutor(30) as threads:
        waited = [threads.submit(sign_in.attempt, "anna", "wrong", "192.0.2.1") for _ in range(30)]
        found = [each.result() for each in waited]
    assert found.count(Refused("Name or password is wrong.")) == FREE
    locked = Deeds(store).rows(AuditQuery(what="session.locked"), 10)
    assert [(row.who, row.about) for row in locked] == [("somebody from 192.0.2.1", "anna")]


def test_who_is_let_in_has_used_up_no_attempt(store: Store) -> None:
    sign_in = SignIn(store, Accounts(store))
    for _ in range(25):
        assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1"), Account)


def test_guesses_of_others_do_not_lock_out_a_browser_that_is_known(store: Store) -> None:
    accounts = Accounts(store)
    sign_in = SignIn(store, accounts)
    known_by = sign_in.mark("anna")
    for number in range(30):
        sign_in.attempt("anna", f"guess {number}", "192.0.2.1")
    assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1"), Refused)
    assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1", known_by), Account)
    assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1"), Refused), "all others still wait"
    for mark in ("", ".", known_by[:-1], f"x{known_by}", SignIn(store, accounts).mark("nobody"), "ä.ä"):
        assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1", mark), Refused)
    for number in range(FREE):
        sign_in.attempt("anna", f"guess {number}", "192.0.2.1", known_by)
    assert isinstance(sign_in.attempt("anna", GOOD, "192.0.2.1", known_by), Refused), (
        "it guesses no more either"
    )
    accounts.choose("anna", "some other good words", NOW)
    for number in range(FREE):
        sign_in.attempt("anna", f"guess {number}", "192.0.2.2")
    again = sign_in.attempt("anna", "some other good words", "192.0.2.2", known_by)
    assert isinstance(again, Refused), "a new password ends all marks"


def played(scene: Coroutine[Any, Any, T]) -> T:
    """Play a scene in a thread of its own: Playwright may have a loop in ours."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scene).result()


def test_only_some_may_wait_to_be_let_in(store: Store) -> None:
    sign_in = SignIn(store, Accounts(store))

    async def scene() -> list[Account | Refused]:
        return await asyncio.gather(*(sign_in.come("anna", "wrong", "192.0.2.1") for _ in range(300)))

    said = [found.words for found in played(scene()) if isinstance(found, Refused)]
    assert said.count("Name or password is wrong.") == FREE
    assert sum("Too many people" in words for words in said) == 200


def test_a_name_can_not_be_that_of_a_program(store: Store) -> None:
    with pytest.raises(SettingsError, match="token"):
        Accounts(store).add("token.siem", Role.ADMIN, NOW)


@pytest.mark.parametrize("change", ["role = 'god'", f"made_at = {2**63 - 1}", f"signed_in_at = {-(2**63)}"])
def test_a_row_that_somebody_has_changed_is_named_and_can_be_removed(store: Store, change: str) -> None:
    accounts = Accounts(store)
    accounts.add("eve", Role.VIEWER, NOW)
    with store.writing() as connection:
        connection.execute(f"UPDATE accounts SET {change} WHERE name = 'eve'")
    with pytest.raises(SettingsError, match="'eve' can't be read"):
        accounts.everyone()
    accounts.remove("eve")
    assert [each.name for each in accounts.everyone()] == ["anna"]


def test_where_nothing_can_be_written_people_still_look(store: Store) -> None:
    sessions = Sessions(store)
    secret = sessions.begin("anna", NOW)
    with store.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    assert sessions.account(secret, NOW.replace(hour=13)) == "anna"
    with pytest.raises(SettingsError, match="can't be used"):
        sessions.begin("anna", NOW)


def test_while_a_chain_is_verified_others_are_served(store: Store) -> None:
    with store.apart() as connection, ThreadPoolExecutor(1) as other:
        before = connection.execute("SELECT count(*) FROM audit").fetchone()
        other.submit(Deeds(store).note, "anna", "test.note", "meanwhile").result(10)
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == before
    assert Deeds(store).verify().faults == ()


def test_nobody_takes_all_turns() -> None:
    async def scene() -> None:
        turns, ended, under_way = Turns(), asyncio.Event(), 0

        async def want(account: str) -> None:
            nonlocal under_way
            async with turns.of(account):
                under_way += 1
                await ended.wait()
                under_way -= 1

        wanted = [asyncio.create_task(want("eve")) for _ in range(MOST_WANTED)]
        for _ in range(3):
            await asyncio.sleep(0)
        assert under_way == AT_ONCE
        with pytest.raises(TooMuchError):
            await want("eve")
        wanted.append(asyncio.create_task(want("anna")))
        await asyncio.sleep(0)
        assert under_way == AT_ONCE + 1, "who wants little is served"
        ended.set()
        await asyncio.gather(*wanted)
        assert under_way == 0

    played(scene())


def test_who_does_not_read_an_answer_that_goes_on_is_sent_away() -> None:
    pushed: Future[int] = Future()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        push, taken = scope["extensions"][PUSH], 0
        while push(b"x" * 10_000):
            taken += 1
            await asyncio.sleep(0)
        pushed.set_result(taken)
        await receive()

    server = uvicorn.Server(uvicorn.Config(answer, http=Connection, lifespan="off", log_config=None))
    with ThreadPoolExecutor(1) as thread, socket.create_server(("127.0.0.1", 0)) as listening:
        serving = thread.submit(server.run, [listening])
        try:
            with socket.create_connection(listening.getsockname(), timeout=20) as browser:
                browser.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                taken = pushed.result(20)
                told = b"".join(iter(partial(browser.recv, 2**20), b""))
            assert 20 < told.count(b"\r\n2710\r\n") <= taken
            assert not told.endswith(b"\r\n0\r\n\r\n"), "it was broken off"
        finally:
            server.should_exit = True
        serving.result(20)


def test_one_account_keeps_only_some_pages_open(tmp_path: Path) -> None:
    async def scene() -> None:
        live = Live(Archives(tmp_path / "archive.db"), row, {"hosts": lambda _, kind: Markup(kind)})
        live._listeners.update(Listener((), "eve") for _ in range(MOST_OF_ONE))  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(TooManyError):
            await live.listen(None, (), lambda: True, "eve")
        with pytest.raises(Exception, match="is not there"):
            await live.listen(None, (), lambda: True, "anna")
        assert live.knows("hosts")
        assert live.knows("hosts:act")
        for name in ("hosts:", "hosts:1", "hosts:act:act", "nowhere", ""):
            assert not live.knows(name), "each other name would be rendered for itself"

    played(scene())


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.01)

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        await receive()

    parts: list[Message] = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> Message:
        return parts.pop() if parts else await asyncio.get_running_loop().create_future()

    async def send(_: Message) -> None: ...

    scope = {"type": "http", "headers": [(b"host", b"localhost")]}
    with pytest.raises(HTTPException) as raised:
        played(_within(guard.Guard(application, None)(scope, receive, send)))
    assert raised.value.status_code == 408


async def _within(work: object) -> None:
    async with asyncio.timeout(10):
        await work  # type: ignore[misc] # pyright: ignore


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * MOST:
        pytest.skip("too few files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * MOST), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.system
@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX:",
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\na",
    ],
)
def test_a_crowd_that_asks_for_nothing_keeps_nobody_out(tmp_path: Path, begun: bytes) -> None:
    with running(settings(tmp_path)) as found:
        crowd: list[socket.socket] = []
        for number in range(MOST + 500):
            crowd.append(socket.create_connection(("127.0.0.1", found.listen.port), timeout=20))
            crowd[-1].sendall(begun)
            if number % 250 == 0 or number >= MOST + 495:
                visitor = http.client.HTTPConnection("127.0.0.1", found.listen.port, timeout=20)
                visitor.request("GET", "/sign-in")
                assert visitor.getresponse().status == 200
                visitor.close()
        if begun.startswith(b"GET"):
            crowd[-1].settimeout(3 * ASKING_SECONDS)
            assert crowd[-1].recv(1) == b"", "it is not waited for for ever"
        for each in crowd:
            each.close()
