"""What a feed's value is, and its canonical form."""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from ..addresses import Address, Network, plain, read_address, read_endpoint, read_network, write_endpoint
from ..canonical import RefusedError, canonical
from ..defanging import looks_defanged, refang
from ..filehashes import read_hash
from ..hosts import USUAL
from ..indicator import IndicatorType
from ..suffixes import hits_everybody
from ..urls import read_url

MAX_VALUE = 2_048

_AT_AN_ADDRESS = re.compile(r"[0-9.]+[:/]|\[")
_WITH_PORT = re.compile(r"[^/?#:]+:[0-9]{1,5}")
_SPECIAL = frozenset({0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)})
"""First parts of IPv4 addresses below which some are not the Internet's; asking costs 3 µs."""

_ELSEWHERE = "no address of the Internet; your own list may hold it"


def settled(value: str) -> tuple[IndicatorType, str]:
    """Tell what a value is by its looks; raise `RefusedError` where it can't be listed."""
    if USUAL.fullmatch(value) is not None:
        return IndicatorType.HOST, _usual_host(value)
    if len(value) > MAX_VALUE:
        raise RefusedError(f"longer than {MAX_VALUE} characters")
    if looks_defanged(value):
        value = refang(value)
    if "://" in value:
        return IndicatorType.URL, typed(IndicatorType.URL, value)
    if (address := read_address(value)) is not None:
        return IndicatorType.IP, str(_internet(address))
    if (endpoint := read_endpoint(value)) is not None:
        return IndicatorType.IP_PORT, write_endpoint(_internet(endpoint[0]), endpoint[1])
    kind = _by_looks(value)
    return kind, typed(kind, value)


def typed(kind: IndicatorType, value: str) -> str:
    """Return the canonical form of a value of a type; raise `RefusedError` where it can't be listed.

    What is no address of the Internet is refused: nobody else can tell what it is on this network.
    """
    if kind is IndicatorType.HOST and USUAL.fullmatch(value) is not None:
        return _usual_host(value)
    if len(value) > MAX_VALUE:
        raise RefusedError(f"longer than {MAX_VALUE} characters")
    result = canonical(kind, value)
    if not result.isprintable():
        raise RefusedError("holds a character that can't be printed")
    found = _address(kind, result)
    if found is not None and not on_the_internet(found):
        raise RefusedError(_ELSEWHERE)
    return result


def _usual_host(name: str) -> str:
    if hits_everybody(name):
        raise RefusedError("a public suffix: it would hit everybody's hosts below it")
    return name


def _by_looks(value: str) -> IndicatorType:
    if "/" in value:
        return IndicatorType.URL if read_network(value) is None else IndicatorType.CIDR
    if read_hash(value) is not None:
        return IndicatorType.HASH
    return IndicatorType.URL if _WITH_PORT.fullmatch(value) else IndicatorType.HOST


def _address(kind: IndicatorType, value: str) -> Address | Network | None:
    """Return the address or network that a canonical value stands for or leads to."""
    match kind:
        case IndicatorType.IP:
            return read_address(value)
        case IndicatorType.IP_PORT:
            endpoint = read_endpoint(value)
            return endpoint and endpoint[0]
        case IndicatorType.CIDR:
            return read_network(value)
        case IndicatorType.URL if _AT_AN_ADDRESS.match(value):
            url = read_url(value)
            return url.address if url is not None else None
        case _:
            return None


def _internet(address: Address) -> Address:
    if not on_the_internet(address):
        raise RefusedError(_ELSEWHERE)
    return address


def on_the_internet(found: Address | Network) -> bool:
    """Tell whether an address, or all of a network, can be reached by anybody and means the same to all."""
    if isinstance(found, IPv4Network | IPv6Network):
        return on_the_internet(found.network_address) and on_the_internet(found.broadcast_address)
    if isinstance(found, IPv6Address) and (found.sixtofour or found.teredo):
        return False  # they carry an IPv4 address, and who runs the relay decides where it leads
    found = plain(found)
    if isinstance(found, IPv4Address):
        return int(found) >> 24 not in _SPECIAL or (found.is_global and not found.is_multicast)
    return found.is_global and not (found.is_multicast or found.is_site_local)
