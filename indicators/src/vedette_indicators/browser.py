"""A URL as a browser reads it (the WHATWG's rules); the only module that knows the parser."""

from typing import NamedTuple

import can_ada


class Parsed(NamedTuple):
    """The parts of a URL that matter here; the host is in ASCII and a default port is left out."""

    scheme: str
    host: str
    port: int | None
    path: str
    query: str


def parse(text: str) -> Parsed | None:
    """Return the parts of a URL with a scheme, or nothing where a browser would refuse it."""
    try:
        url = can_ada.parse(text)
    except (ValueError, TypeError):  # the latter where text is no UTF-8: a lone surrogate
        return None
    port = int(url.port) if url.port else None
    return Parsed(url.protocol[:-1], url.hostname, port, url.pathname, url.search[1:])
