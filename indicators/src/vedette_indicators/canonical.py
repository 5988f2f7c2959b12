"""The one form of a row's value, or why it can't be listed."""

import re
from collections.abc import Callable

from vedette_schemas import VedetteError

from .addresses import Network, read_address, read_endpoint, read_network, write_endpoint
from .defanging import refanged_value, visible
from .filehashes import is_of_nothing, read_hash
from .hosts import read_host
from .indicator import IndicatorType
from .phrases import MAX_PHRASE_TOKENS, normal, tokens
from .programs import Rules, read_path, rules
from .suffixes import hits_everybody
from .urls import read_url

_WIDEST = {4: 8, 6: 16}
_SHORTEST_PHRASE = 2
_NO_FILE = re.compile(r"[?*<>|\"]")
_NAME = re.compile(r"[a-z0-9_.\-]+")


class RefusedError(VedetteError):
    """A value that no row may have; the text says why."""


def canonical(kind: IndicatorType, value: str) -> str:
    """Return the key that a value is looked up under; raise `RefusedError` where it can't be listed."""
    return _READERS[kind](visible(value).strip())


def _host(value: str) -> str:
    value = refanged_value(value)
    host = read_host(value)
    if host is None:
        hint = "; its type is ip" if read_address(value) is not None else ""
        raise RefusedError(f"not a host name{hint}")
    if "." not in host:
        raise RefusedError("a single label names no host of the Internet")
    if not _NAME.fullmatch(host):
        raise RefusedError("not a host name; it covers its sub-domains without a *")
    if hits_everybody(host):
        raise RefusedError("a public suffix: it would hit everybody's hosts below it")
    return host


def _url(value: str) -> str:
    url = read_url(refanged_value(value))
    if url is None or ("." not in url.host and url.address is None and "/" not in value):
        raise RefusedError("not a URL")
    if url.address is None and not _NAME.fullmatch(url.host):
        raise RefusedError("not a URL that names one host")
    return str(url)


def _ip(value: str) -> str:
    address = read_address(refanged_value(value))
    if address is None:
        raise RefusedError("not an IP address")
    return str(address)


def _endpoint(value: str) -> str:
    endpoint = read_endpoint(refanged_value(value))
    if endpoint is None:
        raise RefusedError("not an IP address with a port")
    return write_endpoint(*endpoint)


def _network(value: str) -> str:
    network: Network | None = read_network(refanged_value(value))
    if network is None:
        raise RefusedError("not a network")
    if network.prefixlen < _WIDEST[network.version]:
        raise RefusedError(f"a network wider than /{_WIDEST[network.version]}")
    return str(network)


def _program(value: str) -> str:
    if "/" in value or "\\" in value:
        raise RefusedError("a path, not a program's name; its type is path")
    if not any(character.isalnum() for character in value):
        raise RefusedError("not a program's name")
    return value


def _path(value: str) -> str:
    value = value.strip('"')
    how = rules(value, None)
    path = read_path(value, how) if value[:1] in {"/", "\\"} or how is Rules.WINDOWS else None
    if path is None:
        raise RefusedError("not a whole path: it begins at the root or at a drive")
    if how is Rules.WINDOWS and _NO_FILE.search(path):
        raise RefusedError("a character that no file's name has on Windows")
    if value.endswith(("/", "\\")):
        raise RefusedError("a folder, not a program's path")
    return path


def _hash(value: str) -> str:
    digits = read_hash(value)
    if digits is None:
        raise RefusedError("not an MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal")
    if is_of_nothing(digits):
        raise RefusedError("the hash of the empty file")
    return digits


def _phrase(value: str) -> str:
    phrase = normal(value)
    if len(phrase) < _SHORTEST_PHRASE or not any(character.isalnum() for character in phrase):
        raise RefusedError("a phrase needs at least two characters, one of them a letter or digit")
    if len(tokens(phrase)) > MAX_PHRASE_TOKENS:
        raise RefusedError("a phrase too long to look for")
    return phrase


_READERS: dict[IndicatorType, Callable[[str], str]] = {
    IndicatorType.HOST: _host,
    IndicatorType.URL: _url,
    IndicatorType.IP: _ip,
    IndicatorType.IP_PORT: _endpoint,
    IndicatorType.CIDR: _network,
    IndicatorType.PROGRAM: _program,
    IndicatorType.PATH: _path,
    IndicatorType.HASH: _hash,
    IndicatorType.PHRASE: _phrase,
}
