"""Who tries to wear the broker out: the victim goes on, and memory is bounded."""

import contextlib
import random
import socket
import ssl
from pathlib import Path

import pytest
from vedette_schemas import Principal, Severity, topics

from tests import brokers

from .raw import ACCEPTED, Wire, connect, publish, subscribe
from .site import Site, site

pytestmark = pytest.mark.system

NAME = "sensor@host-7"
STATUS = topics.status(Principal.parse(NAME))
FROM_ANOTHER_ADDRESS = "127.0.0.2"


@pytest.mark.parametrize("first", [b"\x30", b"\x10", b"\x82"], ids=["PUBLISH", "CONNECT", "SUBSCRIBE"])
def test_a_packet_of_256_mb(place: Site, first: bytes) -> None:
    before = place.memory()
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(connect(NAME))
        assert wire.packet() == ACCEPTED
        wire.send(first + b"\xff\xff\xff\x7f\x00\x01a")
        with contextlib.suppress(OSError):
            for _ in range(64):
                wire.send(b"x" * 2**20)
        assert wire.is_over()
    assert place.memory() - before < 20
    assert place.nothing_has_happened()


def test_a_packet_of_256_mb_before_a_connect(place: Site) -> None:
    before = place.memory()
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(b"\x10\xff\xff\xff\x7f\x00\x04MQTT")
        with contextlib.suppress(OSError):
            for _ in range(64):
                wire.send(b"x" * 2**20)
        assert place.running.kind == "mosquitto" or wire.is_over()
    assert place.memory() - before < 20
    assert place.nothing_has_happened()


@pytest.mark.parametrize("kind", brokers.KINDS)
def test_half_open_connections(kind: str, tmp_path: Path) -> None:
    """Some say nothing, some half a ClientHello, some nothing after TLS."""
    with site(kind, tmp_path) as place, contextlib.ExitStack() as stack:
        before = place.memory()
        for number in range(300):
            with contextlib.suppress(OSError):
                wire = stack.enter_context(Wire(place.address))
                wire.try_to_send(b"\x16\x03\x01\x02\x00\x01" if number % 2 else b"")
        silent = [
            stack.enter_context(Wire(place.address, place.tls(NAME), source=FROM_ANOTHER_ADDRESS))
            for _ in range(30)
        ]
        assert place.nothing_has_happened()
        newcomer = stack.enter_context(Wire(place.address, place.tls(NAME), source="127.0.0.3"))
        newcomer.send(connect(NAME))
        assert newcomer.packet() == ACCEPTED
        assert place.memory() - before < 100
        if kind == "embedded":  # and within seconds they are gone
            assert all(wire.is_over() for wire in silent)
            assert "too many connections that say nothing" in place.log()


def test_a_slow_reader(place: Site) -> None:
    """Subscribes to all that it may, and reads nothing of 25 MB.

    At QoS 0 Mosquitto keeps it all, up to its `memory_limit`.
    """
    qos = 1 if place.running.kind == "mosquitto" else 0
    watching = place.join("operator@ben", topics.EVERY_ALERT)
    with Wire(place.address, place.tls("operator@anna")) as deaf:
        deaf.send(connect("operator@anna"), subscribe(topics.EVERY_ALERT, qos=qos))
        assert deaf.packet() == ACCEPTED
        assert deaf.packet()[0] == 0x90
        before = place.memory()
        topic = topics.alert(Severity.HIGH, "host-9")
        for number in range(250):
            payload = b"%d" % number + b"x" * 100_000
            place.analyzer.publish(topic, payload)
            assert watching.next() == (topic, payload)
        assert place.memory() - before < 20
        assert place.nothing_has_happened()
        assert place.running.kind == "mosquitto" or "cut off: it does not" in place.log()
    watching.close()


def test_a_reader_that_does_not_acknowledge(place: Site) -> None:
    watching = place.join("operator@ben", topics.EVERY_ALERT)
    before = place.memory()
    with Wire(place.address, place.tls("operator@anna")) as rude:
        rude.send(connect("operator@anna"), subscribe(topics.EVERY_ALERT))
        topic = topics.alert(Severity.HIGH, "host-9")
        for number in range(200):
            place.analyzer.publish(topic, b"%d" % number + b"x" * 100_000)
            rude.socket.setblocking(False)
            with contextlib.suppress(OSError):
                while rude.socket.recv(2**20):
                    pass
        for number in range(200):
            assert watching.next()[1].startswith(b"%d" % number)
    assert place.memory() - before < 20
    assert place.nothing_has_happened()
    assert place.running.kind == "mosquitto" or "cut off: it does not" in place.log()
    watching.close()


def spoilt(chance: random.Random) -> bytes:
    """Return a packet with something wrong in it; now and then that is allowed."""
    whole = bytearray(
        chance.choice(
            [
                connect(NAME, will=(STATUS, b"gone")),
                publish(STATUS, b"x" * 20, qos=chance.randrange(3)),
                subscribe("a/b", topics.ack(Principal.parse(NAME))),
                b"\xa2\x07\x00\x01\x00\x03a/b",
                b"\x40\x02\x00\x01",
                b"\x62\x02\x00\x07",
                b"\xc0\x00",
            ]
        )
    )
    for _ in range(chance.randrange(1, 5)):
        match chance.randrange(3):
            case 0:
                whole[chance.randrange(len(whole))] = chance.randrange(256)
            case 1:
                del whole[chance.randrange(len(whole)) :]
                whole += b"\x00"
            case _:
                whole.insert(chance.randrange(len(whole)), chance.randrange(256))
    return bytes(whole)


@pytest.mark.parametrize("kind", brokers.KINDS)
def test_ten_thousand_malformed_packets(kind: str, tmp_path: Path) -> None:
    chance = random.Random(20)
    more = "connections_per_second = 10000" if kind == "embedded" else ""
    with site(kind, tmp_path, more=more) as place:
        tls = place.tls(NAME)
        before = place.memory()
        for number in range(1_000):
            with Wire(place.address, tls) as wire:
                wire.try_to_send(connect(NAME) if number % 2 else b"", *(spoilt(chance) for _ in range(10)))
            if number % 100 == 0:
                assert place.nothing_has_happened(but=STATUS)
        place.join(NAME).close()
        assert place.nothing_has_happened(but=STATUS)
        assert place.memory() - before < 40
        assert "Traceback" not in place.log()
        assert len(place.log()) < 100_000


def test_a_flood_of_packets_from_one_does_not_hold_up_another(place: Site) -> None:
    """Pings, by the hundred thousand, whose answers are not read."""
    before = place.memory()
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(connect(NAME))
        assert wire.packet() == ACCEPTED
        wire.socket.settimeout(0.2)
        with contextlib.suppress(OSError):
            for _ in range(100):
                wire.send(b"\xc0\x00" * 5_000)
        assert place.nothing_has_happened()
    assert place.memory() - before < 40


def test_a_thousand_connects_a_second_from_one_address(tmp_path: Path) -> None:
    """As fast as we can (4,000 a second were seen), each with a ClientHello.

    The victim hears all meanwhile, and a newcomer from elsewhere gets in.
    """
    with site("embedded", tmp_path) as place, contextlib.ExitStack() as stack:
        hello, heard = client_hello(), 0
        for number in range(5_000):
            with contextlib.suppress(OSError):
                flood = socket.create_connection(
                    (place.address.host, place.address.port), source_address=(FROM_ANOTHER_ADDRESS, 0)
                )
                stack.callback(flood.close)
                flood.sendall(hello)
            if number % 250 == 0:
                assert place.nothing_has_happened()
                heard += 1
            if number % 1_000 == 999:
                stack.close()
                with Wire(place.address, place.tls(NAME)) as newcomer:
                    newcomer.send(connect(NAME))
                    assert newcomer.packet() == ACCEPTED
        assert heard == 20
        assert "too many connections" in place.log()


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="broker").do_handshake()
    return outgoing.read()


def test_keep_alive_is_held_to(place: Site) -> None:
    """A client that promised to be heard each second and is not: its last will is published."""
    with Wire(place.address, place.tls(NAME)) as wire:
        wire.send(connect(NAME, will=(STATUS, b"gone"), keep_alive=1))
        assert wire.packet() == ACCEPTED
        assert place.analyzer.next() == (STATUS, b"gone")
        assert wire.is_over()
    assert place.nothing_has_happened()
