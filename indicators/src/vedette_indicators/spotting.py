"""Finds what could be listed in free text: URLs, hosts, addresses, mail domains, hashes."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from .addresses import read_address
from .brackets import trimmed
from .defanging import looks_defanged, refang, visible
from .hosts import ends_in_number
from .indicator import Via
from .urls import Url, read_url

MAX_SPOTTED = 4_096
"""How much is looked up in one text: 16 KiB can't hold more."""

_DOT = r".\u3002\uff0e\uff61"
_WORD = r"[\w\-]"
_HEX = r"[0-9a-fA-F]"
_NEXT = r"[a-zA-Z]{2,6}:[/\\]"
# What a URL in text goes on with: a comma or a closing bracket before another URL or quote is not of it.
_BODY = (
    r"(?:[^\s<>\"`|\x00-\x1f\uff0c\u3001\uff1b,;)\]}']"
    rf"|[,;](?!{_NEXT})|[)\]}}'](?!{_NEXT}|[,;](?:{_NEXT}|['\"\[({{])))"
)
# Each alternative starts with a look-behind, so that a run is entered at its beginning only: linear time.
_SPOT = re.compile(
    rf"(?P<url>(?<![a-zA-Z])(?i:https?|ftp|wss?):[/\\]*{_BODY}+"
    rf"|(?<![a-zA-Z0-9+.\-])[a-zA-Z][a-zA-Z0-9+.\-]{{1,20}}:[/\\]{{2}}{_BODY}+"
    rf"|(?<![\w:/\\.])[/\\]{{2}}{_BODY}+)"
    rf"|(?P<six>(?<![\w:.])(?:\[(?={_HEX}*:))?{_HEX}{{0,4}}(?::{_HEX}{{0,4}}){{2,8}}(?:\.[0-9]{{1,3}}){{0,3}}"
    r"(?![\w:])(?:\](?::[0-9]{1,5})?)?)"
    rf"|(?P<host>(?<![\w\-/\\]){_WORD}+(?:[{_DOT}]{_WORD}+)+)(?P<rest>(?::[0-9]{{1,5}}(?![0-9]))?"
    rf"(?:[/?#]{_BODY}*)?)"
)
_NEEDED = re.compile(rf"[{_DOT}:/\\\[({{<]")
"""One of these is in whatever is found, defanged or not: most titles have none."""

_LIKELY = re.compile(rf"\w[{_DOT}:]\w|[/\\]{{2}}|::")
_HASH = re.compile(rf"(?<![0-9a-zA-Z]){_HEX}{{32,128}}(?![0-9a-zA-Z])")
_HASH_LENGTHS = frozenset({32, 40, 64, 128})
# Scripts without blanks between words: an address may be glued to what is written around it.
_GLUE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)


class Spot(NamedTuple):
    """Something that could be listed, and how the text has it."""

    url: Url
    via: Via


def spots(text: str) -> Iterator[Spot]:
    """Yield what looks like a URL, a host, an address or a mail domain, each once."""
    if _NEEDED.search(text) is None:
        return
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)  # an accent of its own would end a word
    defanged = looks_defanged(text)
    if not defanged and _LIKELY.search(text) is None:
        return
    plain = refang(text) if defanged else text
    seen: set[str] = set()
    for number, found in enumerate(_SPOT.finditer(plain)):
        if number >= MAX_SPOTTED:
            return
        for written, via in _readings(plain, found):
            url = None if written in seen else read_url(written)
            seen.add(written)
            if url is not None:
                is_hidden = defanged and found[0] not in text
                yield Spot(url, Via.DEFANGED if is_hidden else via)


def first_url(text: str) -> str | None:
    """Return the first URL or host that a text names, in canonical form; a mail's domain is none."""
    for url, via in spots(visible(text)):
        if via is not Via.MAIL and (url.address is not None or "." in url.host):
            return str(url)
    return None


def hosts_in(text: str) -> Iterator[str]:
    """Yield the hosts that a text names, in canonical form; addresses and single labels are none."""
    for spot in spots(visible(text)):
        if spot.url.address is None and "." in spot.url.host:
            yield spot.url.host


def hashes(text: str) -> list[str]:
    """Return what looks like a hash, in lower case."""
    found: list[str] = _HASH.findall(text)
    return [digits.lower() for digits in found[:MAX_SPOTTED] if len(digits) in _HASH_LENGTHS]


def _readings(text: str, found: re.Match[str]) -> Iterator[tuple[str, Via]]:
    if found["url"]:
        url = trimmed(text, found.start(), found.end())
        yield url, Via.URL
        glue = _GLUE.search(url)
        if glue is not None:
            yield url[: glue.start()], Via.URL
    elif found["six"]:
        six = found["six"]
        yield (f"http://{six}/" if six.startswith("[") else f"http://[{six}]/"), Via.URL
    else:
        yield from _bare(text, found)


def _bare(text: str, found: re.Match[str]) -> Iterator[tuple[str, Via]]:
    """Read a host without a scheme; what stands before an `@` is a user's name."""
    rest = trimmed(text, found.start(), found.end())[len(found["host"]) :]
    if "/" not in rest and text.startswith("@", found.end()):
        return
    is_mail = found.start() > 0 and text[found.start() - 1] == "@"
    for host in _names(found["host"]):
        if not ends_in_number(host) or read_address(host) is not None:
            is_last = found["host"].endswith(host)
            yield f"http://{host}{rest if is_last else ''}", Via.MAIL if is_mail else Via.URL


def _names(written: str) -> Iterator[str]:
    """Yield the host as it stands, without emphasis around it, and what may be glued to other words."""
    host = written.strip("_-") if written.endswith("_") else written.strip("-")
    yield host
    if not host.isascii():
        for piece in _GLUE.split(host):
            name = piece.strip("_-.\u3002\uff0e\uff61")
            if name != host and "." in name:
                yield name
