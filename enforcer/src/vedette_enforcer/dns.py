"""Asking name servers for a name's addresses themselves: the hosts file leads a blocked name elsewhere."""

import secrets
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from .surroundings import Address

_PORT = 53
_PATIENCE = 2.0
_A, _AAAA, _IN = 1, 28, 1
_RECURSION_DESIRED = 0x0100
_MOST = 64
"""Addresses of one name."""


def ask(name: str, resolvers: Iterable[Address]) -> frozenset[Address] | None:
    """Return a name's addresses; `None` if nobody answers. This can take seconds."""
    # One on the host itself may read the hosts file, as systemd-resolved does.
    for resolver in sorted(resolvers, key=lambda each: (each.is_loopback, str(each))):
        try:
            return frozenset([*_ask(name, _A, resolver), *_ask(name, _AAAA, resolver)][:_MOST])
        except OSError:
            continue
    return None


def _ask(name: str, kind: int, resolver: Address) -> list[Address]:
    number = secrets.randbelow(2**16)
    family = socket.AF_INET if resolver.version == 4 else socket.AF_INET6  # noqa: PLR2004
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect((str(resolver), _PORT))
        connection.send(query(name, kind, number))
        return answers(connection.recv(65_535), number)


def query(name: str, kind: int, number: int) -> bytes:
    """Return the question for addresses of this kind (A, AAAA)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (
        struct.pack("!6H", number, _RECURSION_DESIRED, 1, 0, 0, 0)
        + labels
        + struct.pack("!BHH", 0, kind, _IN)
    )


def answers(reply: bytes, number: int) -> list[Address]:
    """Return the addresses in a reply, none where it is cut or senseless."""
    found: list[Address] = []
    try:
        id_, _, questions, count, _, _ = struct.unpack_from("!6H", reply)
        if id_ != number:
            return []
        place = 12
        for _ in range(questions):
            place = _after_name(reply, place) + 4
        for _ in range(count):
            place = _after_name(reply, place)
            kind, _, _, length = struct.unpack_from("!HHIH", reply, place)
            place += 10
            data = reply[place : place + length]
            if kind == _A:
                found.append(IPv4Address(data))
            elif kind == _AAAA:
                found.append(IPv6Address(data))
            place += length
    except (struct.error, IndexError, ValueError):
        pass
    return found


def _after_name(reply: bytes, place: int) -> int:
    while (length := reply[place]) != 0:
        if length >= 0xC0:  # noqa: PLR2004 (a pointer ends a name)
            return place + 2
        place += length + 1
    return place + 1
