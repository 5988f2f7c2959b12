"""MQTT by hand: what no well-behaved client would send, and what comes back."""

import contextlib
import socket
import ssl
import struct
from typing import Self

from vedette_transport import BrokerAddress

SECONDS = 20.0
ACCEPTED = b"\x20\x02\x00\x00"


def text(value: str) -> bytes:
    coded = value.encode()
    return struct.pack("!H", len(coded)) + coded


def packet(first: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([first, *length]) + body


def connect(
    name: str,
    *,
    will: tuple[str, bytes] | None = None,
    retain: bool = False,
    clean: bool = True,
    keep_alive: int = 60,
) -> bytes:
    flags = clean << 1 | ((0x04 | retain << 5) if will else 0)
    last = text(will[0]) + struct.pack("!H", len(will[1])) + will[1] if will else b""
    return packet(0x10, text("MQTT") + bytes([4, flags]) + struct.pack("!H", keep_alive) + text(name) + last)


def publish(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bytes:
    return packet(0x30 | qos << 1 | retain, text(topic) + (b"\x00\x07" if qos else b"") + payload)


def subscribe(*filters: str, qos: int = 1) -> bytes:
    return packet(0x82, b"\x00\x01" + b"".join(text(each) + bytes([qos]) for each in filters))


PUBACK, PUBREL = b"\x40", b"\x62\x02\x00\x07"


class Wire:
    """A connection that says what it is told to."""

    def __init__(
        self, address: BrokerAddress, tls: ssl.SSLContext | None = None, *, source: str = "127.0.0.1"
    ) -> None:
        self.socket = socket.create_connection(
            (address.host, address.port), SECONDS, source_address=(source, 0)
        )
        if tls is not None:
            try:
                self.socket = tls.wrap_socket(self.socket, server_hostname=address.host)
            except OSError:
                self.socket.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(packets))

    def try_to_send(self, *packets: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send(*packets)

    def read(self, length: int) -> bytes:
        """Read that many bytes, fewer where the connection ends before."""
        found = b""
        while len(found) < length:
            try:
                more = self.socket.recv(length - len(found))
            except TimeoutError:
                raise AssertionError("nothing came, and the connection is still there") from None
            except OSError:
                return found
            if not more:
                return found
            found += more
        return found

    def packet(self) -> bytes:
        """Read a packet; `b""` where the connection has ended."""
        head = self.read(2)
        if len(head) < 2:
            return b""
        length, shift = head[1] & 0x7F, 7
        while head[-1] & 0x80:
            head += self.read(1)
            length |= (head[-1] & 0x7F) << shift
            shift += 7
        return head + self.read(length)

    def is_over(self) -> bool:
        """Wait until the other side has closed the connection; what comes before is read and left."""
        while self.packet():
            pass
        return True


def is_refused(address: BrokerAddress, tls: ssl.SSLContext, *packets: bytes) -> bool:
    """Tell whether a broker takes no such connection: at TLS, by closing it, or by its CONNACK."""
    try:
        with Wire(address, tls) as wire:
            wire.send(*packets)
            return wire.packet() != ACCEPTED
    except (OSError, ssl.SSLError):
        return True
