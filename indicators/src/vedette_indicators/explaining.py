"""What is looked up for a URL, in words that stand in lists."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .addresses import write_endpoint
from .defanging import refanged_value, visible
from .hosts import names_above
from .suffixes import hits_everybody, is_public
from .urls import Url, carried, read_url

_NAMED = re.compile(r"[a-z0-9_.-]+")


class Explained(NamedTuple):
    """A URL's canonical form, and the rows that would match it."""

    canonical: str
    hosts: tuple[str, ...]
    pages: tuple[str, ...]
    addresses: tuple[str, ...]
    carried: tuple[str, ...]


def explain_url(text: str) -> Explained | None:
    """Return what is looked up for a URL, networks aside; `None` where it is none.

    A defanged one is read as what it stands for.
    """
    text = visible(text)
    url = read_url(text)
    if url is None or not _NAMED.fullmatch(url.host):
        url = read_url(refanged_value(text)) or url
    if url is None:
        return None
    names = [url.host] if url.address is not None else names_above(url.host)
    return Explained(
        canonical=str(url),
        hosts=() if url.address is not None else tuple(_hosts(names)),
        pages=tuple(dict.fromkeys(_pages(names, url))),
        addresses=() if url.address is None else (str(url.address), write_endpoint(url.address, url.port)),
        carried=tuple(str(inner) for inner in carried(url)),
    )


def _hosts(names: list[str]) -> Iterator[str]:
    for name in names:
        if not (hits_everybody(name) if name == names[0] else is_public(name)):
            yield name


def _pages(names: list[str], url: Url) -> Iterator[str]:
    for name in names:
        if name == url.host or not is_public(name):  # a page on a shared host is of that host alone
            yield from (f"{name}{rest}" for rest in url.lookups())
