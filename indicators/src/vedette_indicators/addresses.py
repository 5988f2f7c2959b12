"""Addresses, endpoints and networks in one form each."""

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST = 64
_MAPPED = int(IPv6Address("::ffff:0:0"))
_NAT64 = int(IPv6Address("64:ff9b::"))
_CARRIERS = frozenset({_MAPPED, _NAT64})
"""The /96 networks of IPv6 addresses that stand for an IPv4 address (RFC 4291, RFC 6052)."""

_IPV4_MASK = 2**32 - 1
_CARRIER_BITS = 96
_MAX_PORT = 65_535


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, without zone; others as they are."""
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if number & ~_IPV4_MASK in _CARRIERS:
        return IPv4Address(number & _IPV4_MASK)
    return IPv6Address(number) if address.scope_id else address


def read_address(text: str) -> Address | None:
    """Read an address in its usual notation; bare octal, hexadecimal or single numbers are none."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if len(text) > _LONGEST:
        return None
    try:
        return plain(ip_address(text))
    except ValueError:
        return None


def read_endpoint(text: str) -> tuple[Address, int] | None:
    """Read `address:port`, with brackets around an IPv6 address."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or len(port) > len(str(_MAX_PORT)):
        return None
    if ":" in host and not host.startswith("["):
        return None
    address = read_address(host)
    return (address, int(port)) if address is not None and 0 < int(port) <= _MAX_PORT else None


def write_endpoint(address: Address, port: int) -> str:
    """Write `address:port` in the form in which endpoints are compared."""
    return f"{write_host(address)}:{port}"


def write_host(address: Address) -> str:
    """Write an address as it stands in a URL."""
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def read_network(text: str) -> Network | None:
    """Read a network in CIDR notation; bits beyond its prefix are dropped."""
    if len(text) > _LONGEST:
        return None
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= _CARRIER_BITS:
        first = plain(network.network_address)
        if isinstance(first, IPv4Address):
            return IPv4Network((first, network.prefixlen - _CARRIER_BITS))
    return network
