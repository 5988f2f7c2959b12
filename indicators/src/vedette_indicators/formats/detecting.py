"""Which format a file is in, by its beginning."""

import re
from collections.abc import Sequence

from .entries import FormatError
from .lines import SINKS, is_reference
from .reading import Format
from .tables import PRESETS, split

BEGINNING = 65_536
"""Bytes that are looked at."""

_MOST_LINES = 200
_JSON = re.compile(r"[\[{]\s*(?:[\[{\"\]}]|\Z)")
_STIX = re.compile(r'"(?:spec_version|objects|pattern_type|pattern)"\s*:|"type"\s*:\s*"(?:bundle|indicator)"')
_MARKS = {
    Format.URLHAUS: {"url", "urlhaus_link"},
    Format.THREATFOX: {"ioc_value", "ioc_type"},
    Format.BLACKBOOK: {"domain", "malware"},
}
"""Columns that no other feed has together."""


def detect(beginning: bytes) -> Format | None:
    """Return the format of a file that begins so, `None` where it is a list of our own.

    Raise `FormatError` where it can't be told: a table whose columns nobody knows.
    """
    text = beginning[:BEGINNING].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if _JSON.match(text):
        return Format.STIX if _STIX.search(text) else Format.MISP
    lines = [line.strip() for line in text.splitlines()[:_MOST_LINES]]
    lines = [line for line in lines if line]
    rows = [line for line in lines if line[0] not in "#!;"]
    if not rows or {"type", "value"} <= _columns(rows[0]):
        return None if not lines or rows else Format.PLAIN
    return _table(lines, rows) or _list(lines, rows)


def _columns(line: str) -> set[str]:
    return {cell.strip().casefold() for cell in split(line)}


def _table(lines: Sequence[str], rows: Sequence[str]) -> Format | None:
    """Return the feed whose columns a header names, be it the first row or a comment before it."""
    head = [line.lstrip("# ") for line in lines[: lines.index(rows[0]) + 1]]
    for columns in map(_columns, head):
        for form, marks in _MARKS.items():
            if marks <= columns:
                return form
    first = _columns(rows[0])
    if len(rows) > 1 and first.intersection(map(str, PRESETS["splunk"].values)):
        return Format.SPLUNK
    return None


def _list(lines: Sequence[str], rows: Sequence[str]) -> Format:
    if any(row.startswith(("||", "@@", "[Adblock")) for row in rows):
        return Format.FILTER
    words = [row.split() for row in rows]
    if sum(len(each) > 1 and each[0] in SINKS for each in words) * 2 > len(rows):
        return Format.HOSTS
    if any(is_reference(line) for line in lines):
        return Format.MALTRAIL
    if sum(len(split(row)) > 1 and "://" not in row.partition(",")[0] for row in rows) * 2 > len(rows):
        raise FormatError(
            "a table whose columns are not known; say which: --format csv --column value=NAME_OR_NUMBER"
        )
    return Format.PLAIN
