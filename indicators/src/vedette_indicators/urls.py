"""URLs in one form, the keys to look them up under, and the URLs they carry in their parameters."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import browser, percent
from .addresses import Address, read_address, write_host
from .hosts import ends_in_number, tidy

_LONGEST = 65_536
_DEEPEST_PATH = 128
_MAX_PARAMETERS = 64
_MAX_CARRIED = 32
_LAYERS = 4

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_WEB_PORTS = frozenset({80, 443})
_WRAPPER = re.compile(r"(?:(?:view-source|blob|filesystem|feed|cache|microsoft-edge):){1,8}", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"(?:[^/\\?#:\s]+|\[[0-9a-fA-F:.]+\])(?:$|[/?#]|:[0-9]{1,5}(?:$|[/?#]))")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]{0,30}:[/\\]{2}")
_CARRIED = re.compile(r"\s*(?:(?:https?|ftp|wss?):|[/\\]{2})[^\s]", re.IGNORECASE)


class Url(NamedTuple):
    """A URL without what does not tell pages apart: scheme, user, fragment, the web's own ports."""

    host: str
    address: Address | None
    port: int
    path: str
    query: str

    @property
    def shown_port(self) -> str:
        """The port as it stands in the canonical form, empty for the web's own."""
        return "" if self.port in _WEB_PORTS else f":{self.port}"

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.host}{self.shown_port}{self.path}{query}"

    def lookups(self) -> Iterator[str]:
        """Yield what a row may say after the host: with or without port and query, each folder."""
        places = ("", self.shown_port) if self.shown_port else ("",)
        for place in places:
            for path in _prefixes(self.path):
                yield place + path
            if self.query:
                yield f"{place}{self.path}?{self.query}"


def read_url(text: str) -> Url | None:
    """Read a URL as a browser does; one without a scheme is taken for a web address."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST]
    text = text.strip()
    parsed = browser.parse(text)
    if parsed is None or parsed.scheme not in _DEFAULT_PORTS:
        parsed = _as_web(text)
    return _canonical(parsed) if parsed is not None and parsed.host else None


def _as_web(text: str) -> browser.Parsed | None:
    wrapped = _WRAPPER.match(text)
    if wrapped is not None:
        text = text[wrapped.end() :]
        parsed = browser.parse(text)
        if parsed is not None and parsed.scheme in _DEFAULT_PORTS:
            return parsed
    scheme = _SCHEME.match(text)
    if scheme is not None:
        rest = text[scheme.end() :]
        return None if rest.startswith(("/", "\\")) else browser.parse(f"http://{rest}")
    if text.startswith(("//", "\\\\")):
        return browser.parse(f"http:{text}")
    found = _WITHOUT_SCHEME.match(text)
    # a bare number is no address: 3232235777 is one only after a scheme
    if found is None or _odd_number(text):
        return None
    return browser.parse(f"http://{text}")


def _odd_number(text: str) -> bool:
    host = re.split(r"[/?#:]", text, maxsplit=1)[0]
    return ends_in_number(host) and read_address(host) is None


def _canonical(parsed: browser.Parsed) -> Url | None:
    shown = parsed.host.rstrip(".")
    # the parser has written every notation as dotted decimal; asking only then saves half the time
    address = read_address(shown) if shown[-1:].isdecimal() or shown[-1:] == "]" else None
    host = write_host(address) if address is not None else tidy(parsed.host)
    if host is None:
        return None
    return Url(
        host=host,
        address=address,
        port=_DEFAULT_PORTS[parsed.scheme] if parsed.port is None else parsed.port,
        path=_path(parsed.path),
        query=percent.normal(parsed.query, is_path=False),
    )


def _path(path: str) -> str:
    if "%" not in path and "//" not in path and "\\" not in path:
        return path or "/"
    segments = percent.normal(path, is_path=True).split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    is_folder = segments[-1] in {"", ".", ".."} and kept
    return f"/{'/'.join(kept)}{'/' if is_folder else ''}"


def _prefixes(path: str) -> Iterator[str]:
    slash = 0
    for _ in range(_DEEPEST_PATH):
        if slash < 0 or slash == len(path) - 1:
            break
        yield path[: slash + 1]
        slash = path.find("/", slash + 1)
    yield path


def carried(url: Url) -> list[Url]:
    """Return the URLs in another's parameters, as redirectors have them, and those in theirs."""
    if ":" not in url.query and "//" not in url.query:
        return []
    found: dict[str, Url] = {}
    queries = [url.query]
    for _ in range(_LAYERS):
        inner = [read_url(text) for query in queries for text in _parameters(query)]
        fresh = [one for one in inner if one is not None and str(one) not in found]
        found.update((str(one), one) for one in fresh[: _MAX_CARRIED - len(found)])
        queries = [one.query for one in fresh if one.query]
        if not queries or len(found) >= _MAX_CARRIED:
            break
    return list(found.values())


def _parameters(query: str) -> Iterator[str]:
    for part in query.split("&", _MAX_PARAMETERS)[:_MAX_PARAMETERS]:
        for text in (part, part.partition("=")[2]):
            if _CARRIED.match(text):
                yield percent.unescape_once(text)  # the last layer: what a normal form has to escape
