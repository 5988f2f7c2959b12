"""The embedded broker with TLS: its certificate, the revocation list, and sessions."""

import datetime as dt
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from vedette_schemas import Principal, Severity, topics

from tests import brokers
from tests.attacks.raw import ACCEPTED, PUBREL, Wire, connect, is_refused, publish, subscribe
from tests.attacks.site import VICTIM, Site, site
from tests.authority import DAY, make_ca

pytestmark = pytest.mark.system

SENSOR = Principal.parse("sensor@host-7")
NAME, STATUS = str(SENSOR), topics.status(SENSOR)


@pytest.fixture
def place(tmp_path: Path) -> Generator[Site]:
    with site("embedded", tmp_path) as running:
        yield running


def replace(path: Path, content: bytes) -> None:
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").rename(path)


def test_a_live_connection_ends_when_its_certificate_is_revoked(place: Site) -> None:
    with Wire(place.address, place.tls(NAME)) as revoked:
        revoked.send(connect(NAME, will=(STATUS, b"gone")))
        assert revoked.packet() == ACCEPTED
        replace(place.folder / "crl.pem", place.authority.revoke(place.identity(NAME)))
        assert revoked.is_over()
    assert place.analyzer.next() == (STATUS, b"gone")
    assert is_refused(place.address, place.tls(NAME), connect(NAME))
    assert place.nothing_has_happened()
    assert f"{NAME} from 127.0.0.1: cut off: its certificate is revoked" in place.log()


def test_a_tls_session_that_is_resumed_is_looked_at_again(place: Site) -> None:
    context = place.tls(NAME)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # of TLS 1.3 no session can be resumed
    with Wire(place.address, context) as wire:
        wire.send(connect(NAME))
        assert wire.packet() == ACCEPTED
        assert isinstance(wire.socket, ssl.SSLSocket)
        session = wire.socket.session
        replace(place.folder / "crl.pem", place.authority.revoke(place.identity(NAME)))
        assert wire.is_over()
    raw = socket.create_connection((place.address.host, place.address.port))
    with context.wrap_socket(raw, server_hostname=place.address.host, session=session) as again:
        again.sendall(connect(NAME))
        assert again.recv(4) == b"\x20\x02\x00\x05"


def test_a_host_that_is_enrolled_again_is_let_in(place: Site) -> None:
    replace(place.folder / "crl.pem", place.authority.revoke(place.identity(NAME)))
    again = brokers.client_context(place.authority, place.authority.issue(NAME))
    assert not is_refused(place.address, again, connect(NAME))


@pytest.mark.parametrize("damage", ["other CA", "garbage", "half", "missing", "empty"])
def test_a_damaged_revocation_list_leaves_the_last_in_force(tmp_path: Path, damage: str) -> None:
    authority = make_ca(tmp_path / "ca")
    revoked, later = authority.issue(NAME), authority.issue(NAME)
    with site("embedded", tmp_path, authority=authority, revoked=(revoked,)) as place:
        with Wire(place.address, brokers.client_context(authority, later)) as good:
            good.send(connect(NAME, will=(STATUS, b"gone")))
            assert good.packet() == ACCEPTED
            crl = place.folder / "crl.pem"
            match damage:
                case "other CA":
                    replace(crl, make_ca(tmp_path / "other").revoke(later))
                case "missing":
                    crl.unlink()
                case "half":
                    replace(crl, authority.revoke(later)[:300])
                case _:
                    replace(crl, b"" if damage == "empty" else b"garbage")
            until(lambda: "stays in force" in place.log())
            assert is_refused(place.address, brokers.client_context(authority, revoked), connect(NAME))
            assert place.nothing_has_happened()
            replace(crl, authority.revoke(later))
            assert good.is_over()
        assert place.analyzer.next() == (STATUS, b"gone")
        assert "Traceback" not in place.log()


def until(holds: Callable[[], bool]) -> None:
    """Wait for what the broker does each second."""
    deadline = time.monotonic() + brokers.WAIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # its log is a file: there is nothing to wait on


def test_a_lapsed_revocation_list_locks_nobody_out(place: Site) -> None:
    replace(place.folder / "crl.pem", place.authority.revoke(place.identity(NAME), valid_for=-DAY))
    with Wire(place.address, place.tls("sensor@host-8")) as good:
        good.send(connect("sensor@host-8"))
        assert good.packet() == ACCEPTED
    assert place.nothing_has_happened()
    until(lambda: "1 certificates are revoked" in place.log())
    assert is_refused(place.address, place.tls(NAME), connect(NAME))


def test_a_connection_ends_with_its_certificate(place: Site) -> None:
    now = dt.datetime.now(dt.UTC)
    brief = place.authority.issue(NAME, valid_from=now - DAY, valid_for=DAY + dt.timedelta(seconds=3))
    with Wire(place.address, brokers.client_context(place.authority, brief)) as wire:
        wire.send(connect(NAME))
        assert wire.packet() == ACCEPTED
        assert wire.is_over()
    assert "its certificate has expired" in place.log()
    assert place.nothing_has_happened()


def served(place: Site) -> int:
    """Return the serial number of the certificate that the broker shows."""
    with Wire(place.address, place.tls(NAME)) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        certificate = wire.socket.getpeercert(binary_form=True)
        assert certificate is not None
        return x509.load_der_x509_certificate(certificate).serial_number


def test_a_renewed_certificate_is_shown_and_ends_no_connection(place: Site) -> None:
    before = served(place)
    replace(place.folder / "key.pem", b"half of a renewal")
    until(lambda: "stays in use" in place.log())
    assert served(place) == before
    brokers.put_identity(place.folder, place.authority)
    until(lambda: "our certificate was read again" in place.log())
    assert served(place) != before
    assert place.nothing_has_happened()


def test_its_own_name_again_takes_over_and_leaves_the_old_ones_will(place: Site) -> None:
    with Wire(place.address, place.tls(NAME)) as old, Wire(place.address, place.tls(NAME)) as new:
        old.send(connect(NAME, will=(STATUS, b"old is gone")), subscribe(topics.ack(SENSOR)))
        assert old.packet() == ACCEPTED
        assert old.packet() == b"\x90\x03\x00\x01\x01"
        new.send(connect(NAME))
        assert new.packet() == ACCEPTED
        assert old.is_over()
        assert place.analyzer.next() == (STATUS, b"old is gone")
        new.send(subscribe(topics.ack(SENSOR), qos=0))
        assert new.packet() == b"\x90\x03\x00\x01\x00"
        place.analyzer.publish(topics.ack(SENSOR), b"once")
        assert new.packet() == publish(topics.ack(SENSOR), b"once", qos=0)
        new.send(b"\xe0\x00")
        assert new.packet() == b""
    assert place.nothing_has_happened()


@pytest.mark.parametrize(
    "refused",
    [
        connect(NAME, will=(topics.command(VICTIM), b"forged")),
        connect(NAME, will=(STATUS, b"kept"), retain=True),
        connect(NAME, will=("vedette/v1/status/+", b"x")),
        connect(NAME + "x"),
        connect(""),
    ],
    ids=["another's will", "retained will", "will to a filter", "another name", "no name"],
)
def test_a_refused_connect_leaves_the_older_connection_alone(place: Site, refused: bytes) -> None:
    live = place.join(NAME, topics.ack(SENSOR))
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(refused)
        assert wire.packet() == b"\x20\x02\x00\x05"
        assert wire.is_over()
    place.analyzer.publish(topics.ack(SENSOR), b"still here")
    assert live.next() == (topics.ack(SENSOR), b"still here")


def test_a_session_that_was_to_be_kept_is_not(place: Site) -> None:
    for _ in range(2):
        with Wire(place.address, place.tls(NAME)) as wire:
            wire.send(connect(NAME, clean=False))
            assert wire.packet() == ACCEPTED, "accepted, and no session was present"
            place.analyzer.publish(topics.ack(SENSOR), b"not subscribed yet")
            wire.send(subscribe(topics.ack(SENSOR)))
            assert wire.packet() == b"\x90\x03\x00\x01\x01"


def test_what_is_refused_is_answered_as_mqtt_has_it(place: Site) -> None:
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(connect(NAME), subscribe("#", topics.ack(SENSOR), "a/#/b", topics.status(VICTIM)))
        assert wire.packet() == ACCEPTED
        assert wire.packet() == b"\x90\x06\x00\x01\x80\x01\x80\x80"
        for _ in range(5):
            wire.send(publish(topics.command(VICTIM), b"forged"))
            assert wire.packet() == b"\x40\x02\x00\x07"
    assert place.nothing_has_happened()
    said = [line for line in place.log().splitlines() if "refused a message under" in line]
    assert [line[-10:] for line in said] == ["(1 so far)", "(2 so far)", "(4 so far)"]


def test_overlapping_subscriptions_deliver_once_at_the_lower_qos(place: Site) -> None:
    topic = topics.alert(Severity.HIGH, "host-7")
    with Wire(place.address, place.tls("operator@anna")) as wire:
        filters = (topic, topics.EVERY_ALERT, "vedette/v1/alert/+/host-7")
        wire.send(connect("operator@anna"), subscribe(*filters, qos=2))
        assert wire.packet() == ACCEPTED
        assert wire.packet() == b"\x90\x05\x00\x01\x01\x01\x01", "QoS 1 is the most"
        with Wire(place.address, place.tls("analyzer@0")) as analyzer:
            analyzer.send(connect("analyzer@0"), publish(topic, b"a", qos=0), publish(topic, b"b", qos=2))
            analyzer.send(publish(topic, b"b", qos=2), PUBREL)
            assert analyzer.packet() == ACCEPTED
            assert [analyzer.packet() for _ in range(3)] == [b"\x50\x02\x00\x07"] * 2 + [b"\x70\x02\x00\x07"]
        assert wire.packet() == publish(topic, b"a", qos=0)
        assert wire.packet() == publish(topic, b"b", qos=1).replace(b"\x00\x07b", b"\x00\x01b")
        wire.send(b"\xc0\x00")
        assert wire.packet() == b"\xd0\x00"


def test_what_is_not_acknowledged_waits_behind_a_window(place: Site) -> None:
    topic = topics.ack(SENSOR)
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(connect(NAME), subscribe(topic))
        assert wire.packet() == ACCEPTED
        wire.packet()
        for number in range(150):
            place.analyzer.publish(topic, b"%d" % number)
        received = [wire.packet() for _ in range(100)]
        wire.send(b"\xc0\x00")
        assert wire.packet() == b"\xd0\x00", "no more than the window"
        for number in range(50):
            wire.send(b"\x40\x02" + (number + 1).to_bytes(2, "big"))
            received.append(wire.packet())
    assert [int(packet[2 + 2 + len(topic) + 2 :]) for packet in received] == list(range(150))


def test_it_ends_at_once_with_clients_and_half_open_connections(place: Site) -> None:
    with Wire(place.address), Wire(place.address, place.tls(NAME)):
        place.running.process.terminate()
        assert place.running.process.wait(2) == 0
    assert "Traceback" not in place.log()


def test_a_connection_takes_little_memory(place: Site) -> None:
    wires = [Wire(place.address, place.tls(NAME)) for _ in range(20)]
    before = place.memory()
    more = [Wire(place.address, place.tls(NAME)) for _ in range(60)]
    assert place.memory() - before < 8, "asyncio alone would take 15 MiB"
    for wire in wires + more:
        wire.socket.close()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ("no key", "key.pem: can't be read: No such file"),
        ("no CA", "ca.pem: can't be read"),
        ("CA is garbage", "ca.pem: not a certificate in PEM"),
        ("another key", "key.pem and certificate.pem can't be used: key values mismatch"),
        ("encrypted key", "the key is encrypted"),
        ("certificate is garbage", "key.pem and certificate.pem can't be used"),
        ("no CRL", "crl.pem: the revocation list can't be read"),
        ("CRL is garbage", "crl.pem: not a revocation list in PEM"),
        ("CRL of another CA", "crl.pem: a revocation list that our CA has not signed"),
    ],
)
def test_an_identity_that_can_not_be_used_is_said_in_a_line(tmp_path: Path, spoil: str, says: str) -> None:
    authority = make_ca(tmp_path / "ca")
    brokers.put_identity(tmp_path, authority)
    (tmp_path / "crl.pem").write_bytes(authority.revoke())
    match spoil:
        case "no key":
            (tmp_path / "key.pem").unlink()
        case "no CA":
            (tmp_path / "ca.pem").unlink()
        case "no CRL":
            (tmp_path / "crl.pem").unlink()
        case "another key":
            shutil.copy(authority.issue("broker@0").key, tmp_path / "key.pem")
        case "encrypted key":
            key = load_pem_private_key((tmp_path / "key.pem").read_bytes(), None)
            secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
            (tmp_path / "key.pem").write_bytes(secret)
        case "CRL of another CA":
            (tmp_path / "crl.pem").write_bytes(make_ca(tmp_path / "other").revoke())
        case _:
            name = {"CA": "ca.pem", "CRL": "crl.pem"}.get(spoil.partition(" ")[0], "certificate.pem")
            (tmp_path / name).write_text("garbage")
    settings = tmp_path / "broker.toml"
    settings.write_text(f'identity = "{tmp_path}"\ncrl = "{tmp_path}/crl.pem"\n[listen]\nport = 1')
    done = subprocess.run(
        [sys.executable, "-m", "vedette_broker", "--settings", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert says in line
