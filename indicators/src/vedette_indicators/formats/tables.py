"""CSV feeds: which columns hold what, and the feeds whose columns are known."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..canonical import RefusedError
from ..indicator import IndicatorType
from .entries import Entry, FormatError, Items, Lines, Place, noted, refused
from .values import settled, typed

Column = str | int
"""A name in the feed's header, or a number from 1."""

_WORDS: Mapping[str, IndicatorType] = {
    **dict.fromkeys("host hostname domain domain-name fqdn".split(), IndicatorType.HOST),
    **dict.fromkeys("url uri link".split(), IndicatorType.URL),
    **dict.fromkeys("ip ipv4 ipv6 ip-dst ip-src ipv4-addr ipv6-addr".split(), IndicatorType.IP),
    **dict.fromkeys("ip:port ip_port ipport".split(), IndicatorType.IP_PORT),
    **dict.fromkeys("cidr network netblock".split(), IndicatorType.CIDR),
    **dict.fromkeys("hash md5 sha1 sha256 sha512 sha-1 sha-256 sha-512".split(), IndicatorType.HASH),
    **dict.fromkeys("md5_hash sha1_hash sha256_hash file_hash".split(), IndicatorType.HASH),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold values, what they are and what is said of them.

    A value in a column without a type is what the column `type` says, or what it looks like. Of `values`
    and `notes` a feed need not have all.
    """

    values: Mapping[Column, IndicatorType | None]
    type: Column | None = None
    notes: Sequence[Column] = ()
    delimiter: str = ","

    def named(self) -> bool:
        """Tell whether a header is needed to find them."""
        return any(isinstance(each, str) for each in (*self.values, self.type, *self.notes))


PRESETS: Mapping[str, Columns] = {
    "urlhaus": Columns({"url": IndicatorType.URL}, notes=("threat", "tags")),
    "threatfox": Columns(
        {"ioc_value": None}, type="ioc_type", notes=("malware_printable", "threat_type", "reference")
    ),
    "blackbook": Columns({"Domain": IndicatorType.HOST}, notes=("Malware", "Source")),
    "splunk": Columns(
        {
            "ip": None,  # an address or a network
            "domain": IndicatorType.HOST,
            "url": IndicatorType.URL,
            "http_url": IndicatorType.URL,
            "file_hash": IndicatorType.HASH,
            "hash": IndicatorType.HASH,
            "indicator": None,
        },
        notes=("description", "threat_key"),
    ),
}
"""Feeds whose columns are known. Splunk: lookups as its threat intelligence framework takes them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the columns are, counted from 0."""

    values: Sequence[tuple[int, IndicatorType | None]]
    type: int | None
    notes: Sequence[int]


def read_table(lines: Lines, columns: Columns) -> Items:
    """Read a CSV feed, one record a line; raise `FormatError` where the header lacks what is needed.

    The header is the first row, or a comment before it.
    """
    found = None if columns.named() else _find(columns, ())
    for number, line in lines:
        text = line.strip()
        if not text:
            continue
        if text[0] == "#":
            found = (_header(text.lstrip("# "), columns) if columns.named() else None) or found
            continue
        if found is None:
            found = _header(text, columns)
            if found is None:
                raise FormatError(f"line {number}: no header that names {_wanted(columns)}")
            continue
        try:
            cells = _cells(text, columns.delimiter)
        except RefusedError as problem:
            yield refused(number, problem, text)
            continue
        yield from _entries(number, cells, found)


def _cells(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        raise RefusedError("a quote is not closed on its line, or stands within a value") from None


def split(line: str) -> list[str]:
    """Return a row's cells between commas; all of it where its quotes don't match."""
    try:
        return _cells(line, ",")
    except RefusedError:
        return [line]


def _header(text: str, columns: Columns) -> _Found | None:
    try:
        return _find(columns, [cell.strip().casefold() for cell in _cells(text, columns.delimiter)])
    except RefusedError:
        return None


def _find(columns: Columns, header: Sequence[str]) -> _Found | None:
    """Return where the columns are, if one with values is there, and the one with their types."""

    def place(column: Column | None) -> int | None:
        if isinstance(column, int):
            return column - 1
        name = (column or "").casefold()
        return header.index(name) if name in header else None

    values = [(at, kind) for name, kind in columns.values.items() if (at := place(name)) is not None]
    if not values or (columns.type is not None and place(columns.type) is None):
        return None
    return _Found(
        values, place(columns.type), [at for name in columns.notes if (at := place(name)) is not None]
    )


def _wanted(columns: Columns) -> str:
    values = " or ".join(map(repr, columns.values))
    return values if columns.type is None else f"{values} and {columns.type!r}"


def _entries(number: Place, cells: Sequence[str], found: _Found) -> Items:
    values = [(cells[at].strip(), kind) for at, kind in found.values if at < len(cells) and cells[at]]
    if not values:
        yield refused(number, "no value in its column", ",".join(cells))
        return
    note = noted(*(cells[at] for at in found.notes if at < len(cells) and cells[at] != "None"))
    for value, kind in values:
        try:
            word = "" if found.type is None or kind else _word(cells, found.type)
            yield Entry(*_settled(value, kind, word), number, note)
        except RefusedError as problem:
            yield refused(number, problem, value)


def _word(cells: Sequence[str], at: int) -> str:
    word = cells[at].strip().casefold() if at < len(cells) else ""
    if word not in _WORDS:
        raise RefusedError(f"of a type that is not looked for: {word[:40]!r}")
    return word


def _settled(value: str, kind: IndicatorType | None, word: str) -> tuple[IndicatorType, str]:
    kind = _WORDS[word] if word else kind
    return settled(value) if kind is None else (kind, typed(kind, value))
