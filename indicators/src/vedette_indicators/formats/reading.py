"""A feed's content in, its entries out; what is not of the format is refused, line by line or as a whole."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import chain
from typing import BinaryIO

from .entries import MAX_LINE, Entry, FormatError, Items, LineReader, Lines, Refused, refused
from .lines import read_filters, read_hosts, read_maltrail, read_plain
from .misp import read_misp
from .stix import read_stix
from .tables import PRESETS, Columns, read_table

_BEGINNING = 1_024


class Format(StrEnum):
    """What a feed's content is."""

    HOSTS = "hosts"
    PLAIN = "plain"
    FILTER = "filter"
    MALTRAIL = "maltrail"
    CSV = "csv"
    URLHAUS = "urlhaus"
    THREATFOX = "threatfox"
    BLACKBOOK = "blackbook"
    SPLUNK = "splunk"
    MISP = "misp"
    STIX = "stix"

    @property
    def by_line(self) -> bool:
        """Tell whether each line says something, so that one that does not is a bad sign."""
        return self not in {Format.MISP, Format.STIX}


_LINE_READERS: Mapping[Format, LineReader] = {
    Format.HOSTS: read_hosts,
    Format.PLAIN: read_plain,
    Format.FILTER: read_filters,
    Format.MALTRAIL: read_maltrail,
}


def read_feed(form: Format, file: BinaryIO, columns: Columns | None = None) -> Items:
    """Yield entries and what is refused as they stand in the feed; `columns` are a CSV feed's.

    What is held in memory at a time is a line, or a JSON document of bounded size. Raise `FormatError`
    where the content as a whole is something else.
    """
    _require_no_page(file)
    if form is Format.MISP:
        return read_misp(file)
    if form is Format.STIX:
        return read_stix(file)
    found: list[Refused] = []
    lines = _lines(file, found)
    reader = _LINE_READERS.get(form)
    items = reader(lines) if reader else read_table(lines, columns or PRESETS[form])
    return _beside(items, found)


def _require_no_page(file: BinaryIO) -> None:
    """Look at the beginning: no format begins like a page does, and many a source sends one for an error."""
    start = file.tell()
    beginning = file.read(_BEGINNING).removeprefix(b"\xef\xbb\xbf").lstrip()
    file.seek(start)
    if beginning.startswith(b"<"):
        raise FormatError("HTML or XML, as of a page that says an error or asks to sign in")
    if b"\0" in beginning:
        raise FormatError("no text: it may be compressed, or in UTF-16")


def _lines(file: BinaryIO, bad: list[Refused]) -> Lines:
    """Yield the lines that are text and not too long; the others go to `bad`."""
    number = 0
    while raw := file.readline(MAX_LINE):
        number += 1
        if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
            bad.append(refused(number, f"longer than {MAX_LINE} bytes", raw[:80].decode("utf-8", "replace")))
            while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            continue
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            bad.append(refused(number, "not UTF-8 text", raw[:80].decode("utf-8", "replace")))


def _beside(items: Items, bad: list[Refused]) -> Iterator[Entry | Refused]:
    """Yield what a reader yields, and what never came to it."""
    for item in chain(items, [None]):
        if bad:
            yield from bad
            bad.clear()
        if item is not None:
            yield item
