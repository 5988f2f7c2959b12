"""STIX 2.1: indicators that compare values for equality, joined by OR; the rest is refused by id."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import BinaryIO

from ..canonical import RefusedError
from ..indicator import IndicatorType
from .documents import array, read_document, table, tables, text
from .entries import Entry, FormatError, Items, noted, refused
from .values import settled, typed

MAX_PATTERN = 65_536

_TOKEN = re.compile(
    r"\s*(?P<token>[a-z0-9-]+:[A-Za-z0-9_.\-]+(?:'[A-Za-z0-9-]{1,32}'|\"[A-Za-z0-9-]{1,32}\")?"
    r"|'(?:[^'\\]|\\['\\])*'|[\[\]()=]|[A-Za-z]+)"
)
_CLOSES = {")": "(", "]": "["}
_PATHS: Mapping[str, IndicatorType | None] = {
    "url:value": IndicatorType.URL,
    "domain-name:value": IndicatorType.HOST,
    "ipv4-addr:value": None,  # an address or a network
    "ipv6-addr:value": None,
}
_HASH = re.compile(r"file:hashes\.['\"]?(?:MD5|SHA-?1|SHA-?256|SHA-?512)['\"]?", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNREAD = "only = joined by OR is read"


def read_stix(file: BinaryIO) -> Items:
    """Read a bundle, an answer of TAXII 2.1 or an array of objects; raise `FormatError` on anything else."""
    document = read_document(file)
    objects = document if array(document) is not None else table(document).get("objects")
    if array(objects) is None:
        raise FormatError("no STIX objects in it")
    for each in tables(objects):
        if each.get("type") == "indicator" and not each.get("revoked"):
            yield from _read(each)


def _read(indicator: Mapping[str, object]) -> Items:
    pattern = text(indicator.get("pattern"))
    place = noted(text(indicator.get("id"))[:64]) or "an indicator without id"
    note = noted(text(indicator.get("name")) or text(indicator.get("description")))
    try:
        if text(indicator.get("pattern_type")) not in {"stix", ""}:
            raise RefusedError("its pattern is in another language than STIX's")
        expires = _day(text(indicator.get("valid_until")))
        # all of a pattern or nothing: what matched a half of it would be what nobody asked for
        found = [_settled(path, value) for path, value in comparisons(pattern)]
    except RefusedError as problem:
        yield refused(place, problem, pattern)
        return
    for kind, value in found:
        yield Entry(kind, value, place, note, expires)


def _day(word: str) -> date | None:
    try:
        return date.fromisoformat(word[:10]) if _DAY.match(word) else None
    except ValueError:
        return None


def _settled(path: str, value: str) -> tuple[IndicatorType, str]:
    if _HASH.fullmatch(path):
        return IndicatorType.HASH, typed(IndicatorType.HASH, value)
    if path not in _PATHS:
        raise RefusedError(f"compares what is not looked for: {path[:60]}")
    kind = _PATHS[path]
    return settled(value) if kind is None else (kind, typed(kind, value))


def comparisons(pattern: str) -> list[tuple[str, str]]:
    """Return what a pattern compares for equality, any of which is to hit; raise `RefusedError`.

    Where all is joined by OR, brackets say nothing; that they match is all that is asked of them.
    """
    if len(pattern) > MAX_PATTERN:
        raise RefusedError(f"a pattern longer than {MAX_PATTERN} characters")
    words: list[str] = []
    still_open: list[str] = []
    for token in _tokens(pattern):
        if token in _CLOSES.values():
            still_open.append(token)
        elif token in _CLOSES:
            if not still_open or still_open.pop() != _CLOSES[token]:
                raise RefusedError("brackets that do not match")
        else:
            words.append(token)
    if still_open or len(words) % 4 != 3:  # noqa: PLR2004 (path = 'value', and OR between two of them)
        raise RefusedError(_UNREAD)
    if {*words[1::4]} != {"="} or {*words[3::4]} - {"OR"} or not all(map(_is_text, words[2::4])):
        raise RefusedError(_UNREAD)
    values = (re.sub(r"\\(.)", r"\1", word[1:-1]) for word in words[2::4])
    return list(zip(words[0::4], values, strict=True))


def _is_text(token: str) -> bool:
    return token.startswith("'")


def _tokens(pattern: str) -> Iterator[str]:
    at, end = 0, len(pattern.rstrip())
    while at < end:
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise RefusedError(_UNREAD)
        yield found["token"]
        at = found.end()
