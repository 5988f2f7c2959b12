"""Fetching from a server that misbehaves: each time a sentence, and in time."""

import gzip
import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from vedette_analyzer.feeds.fetching import Fetched, fetch
from vedette_analyzer.feeds.reaching import SourceError
from vedette_analyzer.feeds.settings import FeedSettings

from tests.analyzer.feeds.source import (
    Behaviour,
    Source,
    answer,
    drip,
    endless,
    redirect,
    silence,
    source,
)
from tests.authority import make_ca

OK = b"HTTP/1.1 200 OK\r\n"
MIB = 2**20


@pytest.fixture
def served() -> Iterator[Source]:
    with source() as serving:
        yield serving


def feed(url: str, **changes: Any) -> FeedSettings:
    values = {"source": url, "format": "plain", "private": True, "max_mib": 1, "max_seconds": 20, **changes}
    return FeedSettings.model_validate(values)


def fetched(settings: FeedSettings, folder: Path = Path(), **tags: str) -> tuple[Fetched | None, bytes]:
    into = io.BytesIO()
    return fetch(settings, folder, into, **tags), into.getvalue()


def trouble(settings: FeedSettings, folder: Path = Path()) -> str:
    with pytest.raises(SourceError) as caught:
        fetched(settings, folder)
    return str(caught.value)


def test_what_a_source_has_is_fetched_and_asked_for_again_only_if_it_changed(served: Source) -> None:
    served.behaviours["/"] = answer("evil.test\n", ETag='"7"', Last_Modified="Sat, 21 Nov 2026 08:00:00 GMT")
    came, content = fetched(feed(served.url()))
    assert content == b"evil.test\n"
    assert came is not None
    served.behaviours["/"] = answer(status="304 Not Modified")
    assert fetched(feed(served.url()), etag=came.etag, last_modified=came.last_modified) == (None, b"")
    assert "if-none-match" not in served.asked[0].lower()
    assert 'if-none-match: "7"' in served.asked[1].lower()
    assert "if-modified-since: sat, 21 nov 2026 08:00:00 gmt" in served.asked[1].lower()


def test_a_packed_body_is_unpacked(served: Source) -> None:
    packed = gzip.compress(b"evil.test\n" * 1_000) + gzip.compress(b"") + gzip.compress(b"last.test\n")
    served.behaviours["/"] = answer(packed, Content_Encoding="gzip")
    assert fetched(feed(served.url()))[1] == b"evil.test\n" * 1_000 + b"last.test\n"


def bomb(layers: int = 1) -> bytes:
    packed = b"\0" * (64 * MIB)
    for _ in range(layers):
        packed = gzip.compress(packed)
    return packed


MISBEHAVIOUR: list[tuple[str, Callable[[], Behaviour], str]] = [
    ("an error", lambda: answer("x", status="500 Oops"), "it answers with an error (500)"),
    ("not modified, unasked", lambda: answer(status="304 Not Modified"), "it answers with an error (304)"),
    ("no content", lambda: answer(status="204 No Content"), "it answers with an error (204)"),
    ("cut off", lambda: answer("evil", length=100), "what it answers is cut off, or no HTTP"),
    ("no HTTP", lambda: lambda client: client.sendall(b"220 ftp.test\r\n\r\n"), "cut off, or no HTTP"),
    ("hangs up", lambda: lambda client: None, "cut off, or no HTTP"),
    ("a bad length", lambda: lambda c: c.sendall(OK + b"Content-Length: x\r\n\r\n"), "cut off, or no HTTP"),
    ("endless headers", lambda: endless(OK, b"X: y\r\n"), "cut off, or no HTTP"),
    ("an endless body", lambda: endless(OK + b"\r\n", b"evil.test\n" * 999), "larger than 1 MiB"),
    ("a large one", lambda: answer(b"x" * (MIB + 1)), "larger than 1 MiB"),
    ("a bomb", lambda: answer(bomb(), Content_Encoding="gzip"), "larger than 1 MiB"),
    ("a bomb in a bomb", lambda: answer(bomb(2), Content_Encoding="gzip, gzip"), "was not asked for"),
    ("another packing", lambda: answer(b"x", Content_Encoding="br"), "was not asked for"),
    ("no gzip", lambda: answer(b"evil.test", Content_Encoding="gzip"), "can't be unpacked"),
    (
        "more than a gzip",
        lambda: answer(gzip.compress(b"x") + b"y" * 20, Content_Encoding="gzip"),
        "can't be unpacked",
    ),
    ("half a gzip", lambda: answer(gzip.compress(b"x" * 99)[:-5], Content_Encoding="gzip"), "cut off"),
    ("nowhere", lambda: redirect("http://127.0.0.1:x/"), "redirects to what is no address of the web"),
    ("a file", lambda: redirect("file:///etc/passwd"), "no address of the web"),
    ("another protocol", lambda: redirect("ftp://127.0.0.1/x"), "no address of the web"),
    ("a loop", lambda: redirect("/"), "it redirects more than 4 times"),
]


@pytest.mark.parametrize(
    ("behaviour", "why"), [(b, w) for _, b, w in MISBEHAVIOUR], ids=[n for n, *_ in MISBEHAVIOUR]
)
def test_what_a_source_does_wrong_is_said(
    served: Source, behaviour: Callable[[], Behaviour], why: str
) -> None:
    served.behaviours["/"] = behaviour()
    assert why in trouble(feed(served.url()))


@pytest.mark.parametrize(
    "behaviour",
    [
        silence,
        drip(b"", b"H"),
        drip(OK, b"X: y\r\n"),
        drip(OK + b"\r\n", b"x"),
        drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(OK + b"Content-Encoding: gzip\r\n\r\n", b"\x1f"),
    ],
    ids=["silence", "status", "headers", "body", "chunks", "packed"],
)
def test_who_takes_too_long_is_left(served: Source, behaviour: Behaviour) -> None:
    served.behaviours["/"] = behaviour
    began = time.monotonic()
    words = trouble(feed(served.url(), max_seconds=1))
    assert words in {"not done in 1 s", "what came is damaged: it can't be unpacked"}
    assert time.monotonic() - began < 20


def test_who_does_not_even_take_a_connection_is_left() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        assert trouble(feed(f"http://127.0.0.1:{port}/", max_seconds=1)) == "not done in 1 s"
        for each in waiting:
            each.close()


def test_nobody_listens() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        where = f"http://127.0.0.1:{unheard.getsockname()[1]}/"
        assert trouble(feed(where)) == "it can't be reached: Connection refused"


ELSEWHERE = [
    "127.0.0.2",
    "localhost",
    "0.0.0.0",
    "2130706434",
    "0x7f.2",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[::ffff:127.0.0.2]",
    "[64:ff9b::7f00:2]",
    "[2002:7f00:2::1]",
]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_redirect_into_a_private_network_is_not_followed(served: Source, host: str) -> None:
    served.behaviours["/"] = redirect(f"http://{host}:{served.port}/secret")
    served.behaviours["/secret"] = answer("secret")
    words = trouble(feed(served.url()))
    assert "is in a private network" in words or "is not known to the DNS" in words
    assert len(served.asked) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_private_source_is_asked_only_where_the_operator_says_so(served: Source, host: str) -> None:
    assert "is in a private network" in trouble(feed(served.url(host=host), private=False))
    assert served.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost"])
def test_what_is_private_by_the_operators_word_is_asked(served: Source, host: str) -> None:
    served.behaviours["/"] = answer("evil.test\n")
    assert fetched(feed(served.url(host=host)))[1] == b"evil.test\n"


def test_a_redirect_on_the_operators_own_host_is_followed(served: Source) -> None:
    served.behaviours["/"] = redirect("/moved")
    served.behaviours["/moved"] = redirect(served.url("/list"))
    served.behaviours["/list"] = answer("evil.test\n")
    assert fetched(feed(served.url()))[1] == b"evil.test\n"


def test_the_address_that_was_looked_at_is_the_one_that_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked at would be ours when it is asked for again."""
    answers = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"])
    reached: list[str] = []

    def lookup(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    words = trouble(feed("http://feeds.test/", private=False))
    assert (words, reached) == ("it can't be reached: Connection refused", ["8.8.8.8"])
    assert "is in a private network" in trouble(feed("http://feeds.test/", private=False))
    assert reached == ["8.8.8.8"]


def test_tls_is_checked(tmp_path: Path) -> None:
    issued = make_ca(tmp_path).issue("source", addresses=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    with source(context) as served:
        served.behaviours["/"] = answer("evil.test\n")
        served.behaviours["/down"] = redirect("http://127.0.0.1/")
        assert "certificate is not to be trusted" in trouble(feed(served.url()))
        assert fetched(feed(served.url(), ca="ca.pem"), tmp_path)[1] == b"evil.test\n"
        assert trouble(feed(served.url("/down"), ca="ca.pem"), tmp_path) == "it redirects from https to http"
        assert "not to be trusted" in trouble(feed(served.url(host="localhost"), ca="ca.pem"), tmp_path)
        assert "no certificates to trust" in trouble(feed(served.url(), ca="none.pem"), tmp_path)


def test_a_server_without_tls_says_so(served: Source) -> None:
    assert "TLS failed" in trouble(feed(served.url().replace("http:", "https:")))


def test_a_handshake_without_end_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        assert trouble(feed(url, max_seconds=1)) == "not done in 1 s"


def test_a_file_is_read_but_nothing_else_that_has_a_path(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("evil.test\n")
    assert fetched(feed("list.txt"), tmp_path)[1] == b"evil.test\n"
    assert "Not a directory" in trouble(feed("list.txt/x"), tmp_path)
    assert "No such file" in trouble(feed("other.txt"), tmp_path)
    assert "Is a directory" in trouble(feed("."), tmp_path) or "not a regular file" in trouble(
        feed("."), tmp_path
    )
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in trouble(feed("pipe"), tmp_path)
    assert "not a regular file" in trouble(feed("/dev/zero"), tmp_path)
    (tmp_path / "large").write_bytes(b"x" * (MIB + 1))
    assert "larger than 1 MiB" in trouble(feed("large"), tmp_path)
