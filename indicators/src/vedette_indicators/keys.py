"""What a row is found under: texts that are the same in memory and in a compiled list."""

from collections.abc import Iterator
from enum import IntFlag
from ipaddress import ip_network

from .addresses import Address
from .indicator import Indicator, IndicatorType
from .phrases import tokens
from .programs import Rules, name_key
from .suffixes import is_lent, is_public
from .urls import read_url

HOST, PAGE, ADDRESS, ENDPOINT, NETWORK, HASH, PHRASE = "h", "u", "i", "e", "n", "#", "t"
NAME = {Rules.WINDOWS: "aw", Rules.MACOS: "am", Rules.POSIX: "ap"}
PATH = {Rules.WINDOWS: "pw", Rules.MACOS: "pm", Rules.POSIX: "pp"}

_SIMPLE = {
    IndicatorType.HOST: HOST,
    IndicatorType.URL: PAGE,
    IndicatorType.IP: ADDRESS,
    IndicatorType.IP_PORT: ENDPOINT,
    IndicatorType.HASH: HASH,
    IndicatorType.PHRASE: PHRASE,
}

Width = tuple[int, int]
"""A network's IP version and how many bits of an address are the host's own."""


class Lead(IntFlag):
    """Why it is worth to look further: a text that is no row's key, and begins one."""

    PAGES = 1
    SHARED = 2
    PHRASES = 4


def network_key(width: Width, address: Address) -> str:
    """Return the key of the network of that width that the address is in."""
    version, shift = width
    return f"{NETWORK}{version}/{shift}/{int(address) >> shift:x}"


def width(row: Indicator) -> Width:
    """Return the width of a row that is a network."""
    network = ip_network(row.value)
    return network.version, network.max_prefixlen - network.prefixlen


def keys(row: Indicator) -> tuple[str, ...]:
    """Return the keys of a row; by the first it is told from others of its type."""
    if row.type in _SIMPLE:
        return (_SIMPLE[row.type] + row.value,)
    if row.type is IndicatorType.CIDR:
        return (network_key(width(row), ip_network(row.value).network_address),)
    if row.type is IndicatorType.PROGRAM:
        return tuple(NAME[how] + name_key(row.value, how) for how in reversed(Rules))
    if row.value.startswith("/"):
        return PATH[Rules.POSIX] + row.value, PATH[Rules.MACOS] + row.value.lower()
    return (PATH[Rules.WINDOWS] + row.value,)


def leads(row: Indicator) -> Iterator[tuple[str, Lead]]:
    """Yield what leads to a row whose key is looked up only then."""
    if row.type is IndicatorType.URL and (url := read_url(row.value)) is not None:
        # a row on a host where everybody can have a name below says nothing about those names
        is_shared = url.address is None and is_public(url.host)
        yield HOST + url.host, Lead.PAGES | Lead.SHARED if is_shared else Lead.PAGES
    elif row.type is IndicatorType.HOST and is_lent(row.value):
        yield HOST + row.value, Lead.SHARED
    elif row.type is IndicatorType.PHRASE:
        text = PHRASE
        for token in tokens(row.value)[:-1]:
            text += token
            yield text, Lead.PHRASES
