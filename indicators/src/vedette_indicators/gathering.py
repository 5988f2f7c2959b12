"""Reads a list for compiling: where its rows stand, under which digests, and which lines do not serve."""

from array import array
from collections.abc import Iterator

import xxhash

from .canonical import RefusedError
from .compiled import MARK
from .indicator import IndicatorType, ListAction
from .keys import HOST, Lead, Width, keys, leads, width
from .lists import BadLines, check_header, is_row, read_row, said_before
from .quick_rows import QuickRows

_BLOCK = 1 << 22
_QUICK_TYPES = {
    b"h": IndicatorType.HOST,
    b"u": IndicatorType.URL,
    b"i": IndicatorType.IP,
    b"e": IndicatorType.IP_PORT,
    b"#": IndicatorType.HASH,
    b"t": IndicatorType.PHRASE,
}
_Identity = tuple[bytes, bytes, bool]


class Gathered:
    """What one list holds; a node is a key of a row, or a lead to one."""

    def __init__(self, data: bytes, *, name: str, seed: int) -> None:
        """Read the list; raise `ListProblem` where it can't be used as a whole."""
        data = data.removeprefix(b"\xef\xbb\xbf")
        self.text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
        self.name, self.seed = name, seed
        self.hashes, self.places, self.lines = array("Q", (0,)), array("Q", (MARK,)), array("I", (0,))
        self.types: set[IndicatorType] = set()
        self.widths: set[Width] = set()
        self.entries = 0
        self.bad = BadLines()
        self._quick, self._marked = QuickRows(), set[int]()
        self._read(*self._header())

    def is_repeated(self, node: int, said: dict[_Identity, int]) -> bool:
        """Tell whether the row says what one of the same key `said`, and note it in either case.

        Only a row's first node is asked about; the others are no rows, or follow it.
        """
        place = self.places[node]
        if place & MARK or self.places[node - 1] == place:
            return False
        line = self.text[place : _end(self.text, place)]
        first = said.setdefault(self._identity(line), node)
        if first == node:
            return False
        self.entries -= 1
        text = line.decode("utf-8", "surrogateescape")
        self.bad.add(self.lines[node], said_before(self.lines[first]), text)
        return True

    def _identity(self, line: bytes) -> _Identity:
        quick = self._quick.read(line)
        if quick is not None:
            key, _, rest = quick
            return key, rest.expires, rest.allows
        row = read_row(line.decode("utf-8", "surrogateescape"), "", 0)
        expires = b"" if row.expires is None else row.expires.isoformat().encode()
        return keys(row)[0].encode("utf-8", "replace"), expires, row.action is ListAction.ALLOW

    def _header(self) -> tuple[int, int]:
        """Return the number of the line that names the columns, and where the next begins."""
        place = 0
        for number, line in enumerate(_lines(self.text, 0), start=1):
            place += len(line) + 1
            text = line.decode("utf-8", "surrogateescape")
            if is_row(text):
                check_header((number, text), self.name)
                return number, place
        check_header(None, self.name)
        return 0, place

    def _read(self, number: int, place: int) -> None:
        quick, digest, seed = self._quick.read, xxhash.xxh3_64_intdigest, self.seed
        hashes, places, lines = self.hashes.append, self.places.append, self.lines.append
        kinds: set[bytes] = set()
        for line in _lines(self.text, place):
            number += 1
            row = quick(line)
            if row is None:
                self._second_look(line, number, place)
            else:
                key = row[0]
                hashes(digest(key, seed))
                places(place)
                lines(number)
                self.entries += 1
                kinds.add(key[:1])
                if row[1]:
                    self._mark(HOST.encode() + row[1], Lead.PAGES)
                elif b" " in key:
                    self._mark_words(key)
            place += len(line) + 1
        self.types |= {_QUICK_TYPES[kind] for kind in kinds}

    def _second_look(self, line: bytes, number: int, place: int) -> None:
        text = line.decode("utf-8", "surrogateescape")
        if not is_row(text):
            return
        try:
            row = read_row(text, self.name, number)
        except RefusedError as problem:
            self.bad.add(number, str(problem), text)
            return
        self.entries += 1
        for key in dict.fromkeys(keys(row)):
            self._node(self._digest(key.encode("utf-8", "replace")), place, number)
        for key, lead in leads(row):
            self._mark(key.encode("utf-8", "replace"), lead)
        self.types.add(row.type)
        if row.type is IndicatorType.CIDR:
            self.widths.add(width(row))

    def _mark_words(self, key: bytes) -> None:
        """Mark what leads to a phrase of plain words: each word, and each blank after one."""
        blank = key.find(b" ")
        while blank > 0:
            self._mark(key[:blank], Lead.PHRASES)
            self._mark(key[: blank + 1], Lead.PHRASES)
            blank = key.find(b" ", blank + 1)

    def _mark(self, key: bytes, lead: Lead) -> None:
        hashed = self._digest(key)
        if hashed not in self._marked:
            self._marked.add(hashed)
            self._node(hashed, MARK | lead, 0)

    def _digest(self, key: bytes) -> int:
        return xxhash.xxh3_64_intdigest(key, self.seed)

    def _node(self, hashed: int, place: int, number: int) -> None:
        self.hashes.append(hashed)
        self.places.append(place)
        self.lines.append(number)


def _lines(text: bytes, place: int) -> Iterator[bytes]:
    """Yield the lines from `place` on, without having them all in memory."""
    while place < len(text):
        end = text.rfind(b"\n", place, place + _BLOCK) + 1 or _end(text, place) + 1
        yield from text[place : end - 1].split(b"\n")
        place = end


def _end(text: bytes, place: int) -> int:
    end = text.find(b"\n", place)
    return len(text) if end < 0 else end
