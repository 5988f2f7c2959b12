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
_CARRIERS = frozenset(int(IPv6Address(first)) for first in ("::ffff:0:0", "64:ff9b::"))
"""The /96 networks of IPv6 addresses that stand for an IPv4 address (RFC 4291, RFC 6052)."""

_LOCAL_NAT64 = int(IPv6Address("64:ff9b:1::")) >> 80
"""The /48 that a network may take its own NAT64's /96 from (RFC 8215). Shorter prefixes lay addresses out
in other ways and can't be told from one another: those stay as they are."""

_SIX_TO_FOUR = 0x2002
"""The /16 below which each IPv4 address has a /48 (RFC 3056)."""

_IPV4_MASK = 2**32 - 1
_CARRIER_BITS = 96
_UNUSED_OCTET = 0xFF << 56
"""Zero in what a NAT64 carries (RFC 6052)."""

_MAX_PORT = 65_535


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for or leads to; others without their zone."""
    if isinstance(address, IPv4Address):
        return address
    number = int(address)
    if number & ~_IPV4_MASK in _CARRIERS or (number >> 80 == _LOCAL_NAT64 and _is_whole(number)):
        return IPv4Address(number & _IPV4_MASK)
    if number >> 112 == _SIX_TO_FOUR:
        carried = IPv4Address(number >> 80 & _IPV4_MASK)
        if _is_public(carried):
            return carried
    return IPv6Address(number) if address.scope_id else address


def _is_whole(number: int) -> bool:
    """Tell an address below a /96 from one that is laid out as below a shorter prefix, with zeros last."""
    return not number & _UNUSED_OCTET and number & 0xFFFFFF != 0


def _is_public(carried: IPv4Address) -> bool:
    """Tell whether a 6to4 relay would pass it on: not where the address is nobody's on the Internet."""
    return carried.is_global and not carried.is_multicast


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
    return network if isinstance(network, IPv4Network) else _plain_network(network)


def _plain_network(network: IPv6Network) -> Network:
    last = plain(network.broadcast_address)
    if isinstance(last, IPv6Address):
        return network
    is_6to4 = int(network.broadcast_address) >> 112 == _SIX_TO_FOUR
    prefix = min(network.prefixlen - 16, 32) if is_6to4 else network.prefixlen - _CARRIER_BITS
    return IPv4Network((last, prefix), strict=False) if prefix >= 0 else network
