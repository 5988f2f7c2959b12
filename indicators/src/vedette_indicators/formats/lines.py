"""Formats of one entry a line: plain lists, hosts files, filters, Maltrail's trails."""

import re

from ..canonical import RefusedError
from ..indicator import IndicatorType
from .entries import Entry, Items, Lines, noted, refused
from .values import settled, typed

_REMARK = re.compile(r"\s[#;].*")
SINKS = frozenset("0.0.0.0 127.0.0.1 127.0.0.53 255.255.255.255 :: ::0 ::1 0 fe80::1%lo0 ff02::1".split())
_OWN_NAMES = frozenset(
    "localhost localhost.localdomain local broadcasthost ip6-localhost ip6-loopback ip6-localnet"
    " ip6-mcastprefix ip6-allnodes ip6-allrouters ip6-allhosts 0.0.0.0".split()
)
_WHOLE = frozenset({"all", "doc", "document", "important"})
"""Options of a filter that take nothing from it; others bind it to a kind of request, or to a site."""

_FILTER = re.compile(r"\|\|(?P<what>[^|^*$]+)\^?(?:\$(?P<options>[a-z0-9,_-]+))?")
_ABOUT = re.compile(r"!|\[|#(?![#@?$%])")
_REFERENCE = re.compile(r"#\s*Reference:\s*(?P<url>\S+)", re.IGNORECASE)


def read_plain(lines: Lines) -> Items:
    """Read hosts, URLs, addresses, networks and hashes, one a line; `*.` before a host is dropped."""
    for number, line in lines:
        text = line.strip()
        if text and text[0] not in "#!;":
            try:
                yield Entry(*_plain(text), number)
            except RefusedError as problem:
                yield refused(number, problem, text)


def _plain(text: str) -> tuple[IndicatorType, str]:
    if " " in text or "\t" in text:
        text = _REMARK.sub("", text).rstrip()
        if " " in text or "\t" in text:
            raise RefusedError("more than one word")
    if text[0] in "*.":
        text = text.removeprefix("*").removeprefix(".")
    return settled(text)


def read_hosts(lines: Lines) -> Items:
    """Read a hosts file that leads names nowhere; a line may hold several."""
    for number, line in lines:
        words = line.partition("#")[0].split()
        if not words:
            continue
        if words[0] not in SINKS:
            yield refused(
                number, "does not begin with 0.0.0.0 or 127.0.0.1, as blocking hosts files do", line
            )
            continue
        for name in words[1:]:
            if name in _OWN_NAMES:
                continue
            try:
                yield Entry(IndicatorType.HOST, typed(IndicatorType.HOST, name), number)
            except RefusedError as problem:
                yield refused(number, problem, name)


def read_filters(lines: Lines) -> Items:
    """Read filters of ad blockers that name a host or a URL on it (`||host^`), and bare hosts.

    Exceptions, filters for parts of a page or for some requests only, and patterns are refused.
    """
    for number, line in lines:
        text = line.strip()
        if not text or _ABOUT.match(text):
            continue
        try:
            yield Entry(*_filter(text), number)
        except RefusedError as problem:
            yield refused(number, problem, text)


def _filter(text: str) -> tuple[IndicatorType, str]:
    if text.startswith("@@"):
        raise RefusedError("an exception; write what is to be allowed into your own list")
    if "##" in text or "#@#" in text or "#?#" in text:
        raise RefusedError("a filter for parts of a page")
    if not text.startswith("||"):
        words = text.split()
        return settled(words[1]) if words[0] in SINKS and len(words) == 2 else _plain(text)  # noqa: PLR2004
    found = _FILTER.fullmatch(text)
    if found is None:
        raise RefusedError("a filter with a pattern; only ||host^ and ||host/path are read")
    if found["options"] and not _WHOLE.issuperset(found["options"].split(",")):
        raise RefusedError("a filter for some requests or sites only")
    return settled(found["what"])


def is_reference(line: str) -> bool:
    """Tell a comment as only Maltrail's trails have."""
    return _REFERENCE.match(line) is not None


def read_maltrail(lines: Lines) -> Items:
    """Read Maltrail's trails; what was last referred to is the note of those that follow."""
    reference = ""
    for number, line in lines:
        text = line.strip()
        if text.startswith("#"):
            found = _REFERENCE.match(text)
            reference = noted(found["url"]) if found else reference
        elif text:
            try:
                yield Entry(*_trail(text), number, reference)
            except RefusedError as problem:
                yield refused(number, problem, text)


def _trail(text: str) -> tuple[IndicatorType, str]:
    if text.startswith("/"):
        raise RefusedError("a path without its host")
    return _plain(text)
