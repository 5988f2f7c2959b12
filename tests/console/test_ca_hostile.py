"""A CA that is talked to by who means no good."""

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from vedette_schemas import Enrolment, Issued, Principal, decode, encode
from vedette_transport.asking import request_for
from vedette_transport.joining import join

from tests import cas

pytestmark = pytest.mark.system
WRONG = "A" * 43


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[cas.RunningCa]:
    with cas.serving(cas.make(tmp_path / "ca")) as running:
        yield running
        assert not any("Traceback" in line for line in running.log)


def ask(
    ca: cas.RunningCa, method: str, path: str, body: bytes | None = None, *, source: str = "127.0.0.1"
) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection(
        ca.address.host, ca.address.port, timeout=cas.WAIT, context=ca.context(), source_address=(source, 0)
    )
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def requests(*names: str) -> tuple[str, ...]:
    return tuple(request_for(Principal.parse(name), Ed25519PrivateKey.generate()) for name in names)


def enrolment(secret: str, *names: str) -> bytes:
    return encode(Enrolment(secret=secret, requests=requests(*names)))


def serves(ca: cas.RunningCa, folder: Path) -> None:
    join(ca.token().write(), folder, operator=False)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/", None, 404),
        ("GET", "/../ca.key", None, 404),
        ("GET", "/ca.key", None, 404),
        ("GET", "/enrol", None, 405),
        ("POST", "/ca.pem", b"", 405),
        ("DELETE", "/crl.pem", None, 405),
        ("POST", "/enrol", b"", 400),
        ("POST", "/enrol", b"\xff" * 100, 400),
        ("POST", "/enrol", b"[" * 10_000, 400),
        ("POST", "/enrol", b'{"secret": 1}', 400),
        ("POST", "/enrol", b" " * (16 * 1024 + 1), 413),
        ("POST", "/enrol", b" " * 5_000_000, 413),
        ("POST", "/renew", b"", 400),
        ("POST", "/renew", b"a.b.c", 400),
        ("POST", "/renew", b"." * 16_000, 400),
    ],
)
def test_garbage_is_refused(
    ca: cas.RunningCa, tmp_path: Path, method: str, path: str, body: bytes | None, status: int
) -> None:
    try:
        assert ask(ca, method, path, body)[0] == status
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        assert status == 413  # it does not read what is too long to its end
    serves(ca, tmp_path)


def test_a_body_that_says_no_length_is_bounded(ca: cas.RunningCa, tmp_path: Path) -> None:
    with ca.context().wrap_socket(connect(ca), server_hostname="127.0.0.1") as connection:
        connection.sendall(b"POST /enrol HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(1_000):
                connection.sendall(b"1000\r\n" + b"a" * 4_096 + b"\r\n")
        except OSError:
            pass
        else:
            assert connection.recv(100).startswith(b"HTTP/1.1 413")
    serves(ca, tmp_path)


@pytest.mark.parametrize(
    "sent", [b"garbage\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"\0" * 65_536]
)
def test_what_is_no_http_is_hung_up_on(ca: cas.RunningCa, tmp_path: Path, sent: bytes) -> None:
    answer = b""
    context, raw = ca.context(), connect(ca)
    with contextlib.suppress(OSError), context.wrap_socket(raw, server_hostname="127.0.0.1") as connection:
        connection.sendall(sent)
        while piece := connection.recv(4_096):
            answer += piece
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    serves(ca, tmp_path)


def connect(ca: cas.RunningCa, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((ca.address.host, ca.address.port), cas.WAIT, (source, 0))


def test_a_token_certifies_nobody_but_whom_it_names(ca: cas.RunningCa) -> None:
    token = ca.token()
    for names in (
        ("sensor@host-9", "enforcer@host-9"),
        ("sensor@host-8", "enforcer@host-9"),
        ("enforcer@host-8", "sensor@host-8"),
        ("sensor@host-8", "analyzer@0"),
        ("operator@anna",),
        ("sensor@host-8",),
    ):
        status, answer = ask(ca, "POST", "/enrol", enrolment(token.secret, *names))
        assert status == 400, answer
    status, answer = ask(ca, "POST", "/enrol", enrolment(token.secret, "sensor@host-8", "enforcer@host-8"))
    assert (status, len(decode(Issued, answer).certificates)) == (200, 2)


def test_one_key_for_both_programs_gives_each_its_own_certificate(ca: cas.RunningCa) -> None:
    token, key = ca.token(), Ed25519PrivateKey.generate()
    wanted = tuple(request_for(Principal.parse(name), key) for name in ("sensor@host-8", "enforcer@host-8"))
    body = encode(Enrolment(secret=token.secret, requests=wanted))
    first, second = ask(ca, "POST", "/enrol", body), ask(ca, "POST", "/enrol", body)
    assert first == second
    assert len(set(decode(Issued, first[1]).certificates)) == 2


def test_who_guesses_is_not_listened_to_for_a_while_and_others_are(ca: cas.RunningCa, tmp_path: Path) -> None:
    guess = enrolment(WRONG, "sensor@host-8", "enforcer@host-8")
    answers = [ask(ca, "POST", "/enrol", guess, source="127.0.0.2")[0] for _ in range(14)]
    assert answers[:10] == [403] * 10
    assert answers[-1] == 429
    good = enrolment(ca.token("host-9").secret, "sensor@host-9", "enforcer@host-9")
    status, words = ask(ca, "POST", "/enrol", good, source="127.0.0.2")
    assert status == 429
    assert "ask again in" in json.loads(words)["words"]
    assert ask(ca, "POST", "/enrol", good)[0] == 200
    refused = [line for line in ca.log if "refused" in line]
    assert 1 <= len(refused) <= 5  # the first, the second, the fourth, the eighth: no log is filled


def test_connections_that_say_nothing_keep_nobody_out(ca: cas.RunningCa, tmp_path: Path) -> None:
    with ExitStack() as held:
        for _ in range(60):
            raw = held.enter_context(connect(ca, "127.0.0.2"))
            context = ca.context()
            with contextlib.suppress(OSError):
                held.enter_context(context.wrap_socket(raw, server_hostname="127.0.0.1"))
        for _ in range(1_500):
            held.enter_context(connect(ca, "127.0.0.3"))  # no handshake
        serves(ca, tmp_path)
    assert len(ca.log) < 20


def test_a_connection_ends_whatever_it_does(ca: cas.RunningCa) -> None:
    with ca.context().wrap_socket(connect(ca), server_hostname="127.0.0.1") as connection:
        connection.sendall(b"POST /enrol HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        connection.settimeout(60)
        with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
            assert connection.recv(1) == b""


def test_old_tls_and_plain_http_are_not_spoken(ca: cas.RunningCa) -> None:
    with connect(ca) as plain:
        plain.sendall(b"GET /ca.pem HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"BEGIN CERTIFICATE" not in plain.recv(4_096)
    context = ca.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(connect(ca), server_hostname="127.0.0.1") as connection:
        assert connection.version() == "TLSv1.2"


def test_health_and_the_public_files_are_for_all(ca: cas.RunningCa) -> None:
    assert ask(ca, "GET", "/health") == (200, b"well\n")
    assert ask(ca, "GET", "/ca.pem") == (200, (ca.folder / "public" / "ca.pem").read_bytes())
    assert ask(ca, "GET", "/crl.pem") == (200, (ca.folder / "public" / "crl.pem").read_bytes())
    for name in ("ca.pem", "crl.pem"):
        assert (ca.folder / "public" / name).stat().st_mode & 0o777 == 0o644
