"""Host names in one form, and the names above them."""

import re
import unicodedata

from . import browser
from .defanging import refang

_LONGEST = 253
USUAL = re.compile(r"(?=.{4,253}\Z)(?!.*xn--)(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}")
"""What nearly all names are; the parser returns such a one as it is, at three times the cost."""

_NOT_IN_A_HOST = re.compile(r"[/\\?#@:\s]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def tidy(host: str) -> str | None:
    """Return a parsed host without empty labels; nothing where no name is left that could resolve."""
    if host.startswith("[") or not host:
        return None
    if ".." in host or host[0] == "." or host[-1] == ".":
        host = ".".join(label for label in host.split(".") if label)
    return host if 0 < len(host) <= _LONGEST else None


def ends_in_number(host: str) -> bool:
    """Tell whether a browser would read the host as an IPv4 address in one of its many notations."""
    if not host.isascii():
        host = unicodedata.normalize("NFKC", host).replace("\u3002", ".")
    return _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def read_host(text: str) -> str | None:
    """Read a bare host name: lower case, IDNA, no dot at its ends; an address is no host name."""
    if USUAL.fullmatch(text) is not None:
        return text
    text = refang(text.strip())
    if not text or len(text) > 4 * _LONGEST or _NOT_IN_A_HOST.search(text) or ends_in_number(text):
        return None
    parsed = browser.parse(f"http://{text}/")
    return tidy(parsed.host) if parsed is not None else None


def names_above(host: str) -> list[str]:
    """Return the host and every name above it, but a top-level domain: that is never listed."""
    names = [host]
    dot = host.find(".")
    last = host.rfind(".")
    while dot < last:
        host = host[dot + 1 :]
        names.append(host)
        last -= dot + 1
        dot = host.find(".")
    return names
