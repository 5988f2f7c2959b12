"""What the host can't do without: its broker, resolvers, gateways, and what it is called itself."""

import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import psutil
from vedette_transport import BrokerAddress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_UP_WITH_A_GATEWAY = 0x3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """As the host stands now. `broker_named`: its address has to be asked for."""

    broker: frozenset[tuple[Address, int]] = frozenset()
    broker_named: bool = False
    resolvers: frozenset[Address] = frozenset()
    gateways: frozenset[Address] = frozenset()
    own: frozenset[Address] = frozenset()
    names: frozenset[str] = frozenset()

    @property
    def spared(self) -> frozenset[Address]:
        """The addresses that no rule of ours ever keeps from the host."""
        return frozenset(address for address, _ in self.broker) | self.resolvers | self.gateways


def plain(text: str) -> Address | None:
    """Read an address, without its zone, as IPv4 where it is mapped; `None` where it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def resolve(broker: BrokerAddress) -> frozenset[tuple[Address, int]]:
    """Ask for the broker's addresses; this can take seconds, and none may come."""
    try:
        found = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    addresses = (plain(str(each[4][0])) for each in found)
    return frozenset((address, broker.port) for address in addresses if address is not None)


def look_around(broker: BrokerAddress, addresses: frozenset[tuple[Address, int]], host: str) -> Surroundings:
    """Return what is around us; `addresses` are the broker's, as they were resolved last."""
    own = (plain(str(each.address)) for all_of_one in psutil.net_if_addrs().values() for each in all_of_one)
    literal = plain(broker.host)
    return Surroundings(
        broker=frozenset({(literal, broker.port)}) if literal is not None else addresses,
        broker_named=literal is None,
        resolvers=frozenset(
            address for path in _RESOLVERS for address in read_resolvers(_text(path).splitlines())
        ),
        gateways=frozenset(_gateways()),
        own=frozenset(address for address in own if address is not None),
        names=frozenset({socket.gethostname().lower(), host, broker.host.lower()}),
    )


def read_resolvers(lines: Iterable[str]) -> Iterable[Address]:
    """Yield the name servers of a resolv.conf."""
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and (address := plain(words[1])) is not None:
            yield address


def read_gateways4(lines: Iterable[str]) -> Iterable[Address]:
    """Yield the gateways of /proc/net/route."""
    for line in lines:
        words = line.split()
        if words and words[0] != "Iface":
            gateway, flags = (int(word, 16) for word in words[2:4])
            if flags & _UP_WITH_A_GATEWAY == _UP_WITH_A_GATEWAY:
                yield IPv4Address(gateway.to_bytes(4, sys.byteorder))


def read_gateways6(lines: Iterable[str]) -> Iterable[Address]:
    """Yield the gateways of /proc/net/ipv6_route."""
    for line in lines:
        words = line.split()
        if int(words[8], 16) & _UP_WITH_A_GATEWAY == _UP_WITH_A_GATEWAY:
            yield IPv6Address(int(words[4], 16))


def _gateways() -> Iterable[Address]:
    yield from read_gateways4(_text(Path("/proc/net/route")).splitlines())
    yield from read_gateways6(_text(Path("/proc/net/ipv6_route")).splitlines())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
