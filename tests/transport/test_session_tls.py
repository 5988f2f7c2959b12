"""A session over TLS, against Mosquitto and against servers that are not what they seem."""

import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from vedette_console.ca.certificates import Authority, Revoked
from vedette_schemas import Principal
from vedette_transport import BrokerAddress, Connected, Inbox, MqttSession, Received
from vedette_transport.identity import Identity

from tests import brokers, identities
from tests.transport.test_session import await_event

SENSOR = Principal.parse("sensor@host-7")
pytestmark = pytest.mark.system


@pytest.fixture
def ca() -> Authority:
    return identities.authority()


@pytest.fixture
def sensor(ca: Authority, tmp_path: Path) -> Identity:
    return identities.identity(ca, str(SENSOR), tmp_path / "sensor")


@contextmanager
def mosquitto(server: Path, folder: Path, revocations: bytes) -> Generator[BrokerAddress]:
    """Run Mosquitto as the broker whose identity is in `server`."""
    address = BrokerAddress(port=brokers.free_port())
    folder.mkdir()
    (folder / "crl.pem").write_bytes(revocations)
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {address.port} 127.0.0.1\ncafile {server}/ca.pem\ncertfile {server}/certificate.pem\n"
        f"keyfile {server}/key.pem\ncrlfile {folder}/crl.pem\nrequire_certificate true\n"
        "use_identity_as_username true\npersistence false\nuser root\n"
    )
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(settings)], stdout=log, stderr=log)
    try:
        await_port(address.port, process)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + brokers.WAIT
    while time.monotonic() < deadline:
        assert process.poll() is None, "the broker ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)  # until its socket is there, there is nothing to wait on
        else:
            return
    raise AssertionError("the broker takes no connections")


class Said(logging.Handler):
    """What the session says, in order."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self.new = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.new.set()

    def await_line(self, part: str) -> None:
        deadline = time.monotonic() + brokers.WAIT
        while not any(part in line for line in self.lines):
            self.new.clear()
            if not any(part in line for line in self.lines):
                assert self.new.wait(deadline - time.monotonic()), self.lines


@pytest.fixture
def said() -> Iterator[Said]:
    handler, log = Said(), logging.getLogger("vedette_transport")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def test_it_connects_over_tls_as_whom_its_certificate_names(
    ca: Authority, sensor: Identity, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker")
    with mosquitto(server, tmp_path / "mosquitto", ca.revocations([], datetime.now(UTC))) as address:
        inbox = Inbox()
        session = MqttSession(SENSOR, address, inbox, subscriptions=("a/b",), identity=sensor)
        session.start()
        await_event(inbox, Connected)
        session.stop()


def complaint_at(address: BrokerAddress, sensor: Identity, said: Said, attempts: threading.Semaphore) -> str:
    """Return why a session can't connect, once it has said so; it tries on, and does not say it again."""
    session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
    session.start()
    assert said.new.wait(brokers.WAIT)
    for _ in range(3):
        assert attempts.acquire(timeout=brokers.WAIT)
    session.stop()
    assert len(said.lines) == len(set(said.lines))
    return " ".join(said.lines)


@contextmanager
def tls_server(folder: Path) -> Generator[tuple[BrokerAddress, threading.Semaphore, list[int]]]:
    """Accept, shake hands and hang up; count, and note whose certificates were shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    attempts, shown, listener = threading.Semaphore(0), list[int](), socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    found = x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")
                    shown.append(found.serial_number)
            except OSError:
                connection.close()
            attempts.release()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield BrokerAddress(port=listener.getsockname()[1]), attempts, shown
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(brokers.WAIT)


def test_a_server_of_another_ca_is_not_trusted(sensor: Identity, said: Said, tmp_path: Path) -> None:
    server = identities.write(identities.authority(), "broker@0", tmp_path / "broker")
    with tls_server(server) as (address, attempts, shown):
        assert "not of our CA" in complaint_at(address, sensor, said, attempts)
    assert shown == []


def test_a_hosts_certificate_does_not_pass_for_a_servers(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server = identities.write(ca, "sensor@host-9", tmp_path / "other")
    with tls_server(server) as (address, attempts, shown):
        line = complaint_at(address, sensor, said, attempts)
    assert "not a server's" in line or "not for that name" in line
    assert shown == []


def test_a_server_by_another_name_is_not_trusted(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker", names=("other.example",))
    with tls_server(server) as (address, attempts, _):
        assert "not for that name or address" in complaint_at(address, sensor, said, attempts)


def test_a_server_whose_certificate_has_ended_is_not_trusted(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker", ago=timedelta(days=91))
    with tls_server(server) as (address, attempts, _):
        assert "has ended" in complaint_at(address, sensor, said, attempts)


def test_a_server_that_trusts_another_ca_refuses_us_and_we_say_why(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker")
    (server / "ca.pem").write_bytes(identities.authority().public())
    with tls_server(server) as (address, _, _):
        session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
        session.start()
        said.await_line("another CA than it trusts")
        session.stop()


def test_a_broker_that_speaks_no_tls_is_said(sensor: Identity, said: Said, tmp_path: Path) -> None:
    with brokers.broker("mosquitto", tmp_path / "plain") as running:
        address = BrokerAddress(port=running.address.port)
        session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
        session.start()
        assert said.new.wait(brokers.WAIT)
        session.stop()
    assert said.lines[0].startswith(f"no broker at {running.address} to trust: ")
    assert "speak TLS" in said.lines[0]


def test_a_revoked_certificate_is_refused_and_that_is_said_once(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server, now = identities.write(ca, "broker@0", tmp_path / "broker"), datetime.now(UTC)
    revoked = ca.revocations([Revoked(sensor.certificate.serial_number, now)], now)
    with mosquitto(server, tmp_path / "mosquitto", revoked) as address:
        session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
        session.start()
        said.await_line(
            f"the broker at {address} refused us: our certificate was revoked; enrol and join again"
        )
        session.stop()
    assert len(said.lines) == len(set(said.lines))


def test_a_renewed_certificate_is_shown_at_the_next_connection(
    ca: Authority, sensor: Identity, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker")
    first = sensor.certificate.serial_number
    with tls_server(server) as (address, attempts, shown):
        session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
        session.start()
        assert attempts.acquire(timeout=brokers.WAIT)
        identities.write(ca, str(SENSOR), tmp_path / "sensor")
        second = Identity(tmp_path / "sensor").certificate.serial_number
        for _ in range(10):
            assert attempts.acquire(timeout=brokers.WAIT)
            if shown[-1] != first:
                break
        session.stop()
    assert (shown[0], shown[-1]) == (first, second)


def test_an_identity_that_breaks_meanwhile_is_said_and_taken_up_again_once_it_is_mended(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    server = identities.write(ca, "broker@0", tmp_path / "broker")
    with tls_server(server) as (address, attempts, shown):
        session = MqttSession(SENSOR, address, Inbox(), identity=sensor)
        key = (tmp_path / "sensor" / "key.pem").read_bytes()
        (tmp_path / "sensor" / "key.pem").write_bytes(b"garbage")
        session.start()
        assert said.new.wait(brokers.WAIT)
        assert shown == []
        (tmp_path / "sensor" / "key.pem").write_bytes(key)
        assert attempts.acquire(timeout=brokers.WAIT)
        session.stop()
    assert "not a private key" in said.lines[0]


def test_plain_is_plain_whatever_the_identity(sensor: Identity, tmp_path: Path) -> None:
    with brokers.broker("mosquitto", tmp_path / "plain") as running:
        inbox = Inbox()
        address = running.address.model_copy(update={"plain": True})
        session = MqttSession(SENSOR, address, inbox, identity=sensor)
        session.start()
        await_event(inbox, Connected)
        session.stop()


def test_it_stays_connected_when_another_thread_publishes_while_messages_come_in(
    ca: Authority, sensor: Identity, said: Said, tmp_path: Path
) -> None:
    count = 2_000
    server = identities.write(ca, "broker@0", tmp_path / "broker")
    with mosquitto(server, tmp_path / "mosquitto", ca.revocations([], datetime.now(UTC))) as address:
        inbox = Inbox()
        session = MqttSession(SENSOR, address, inbox, subscriptions=("a/b",), identity=sensor)
        session.start()
        await_event(inbox, Connected)
        for _ in range(count):  # each comes back
            assert session.publish("a/b", b"x" * 300)
            time.sleep(0.0005)  # so that what comes in meets what goes out: 16 losses in a run, before
        for _ in range(count):
            await_event(inbox, Received)
        session.stop()
    assert said.lines == []
