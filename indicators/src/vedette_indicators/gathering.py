"""Reads a list for compiling: where its rows stand, under which digests, and which lines do not serve."""

import os
import pickle
from array import array
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar

import xxhash

from .canonical import RefusedError
from .compiled import MARK, MOST_ALIKE, PIECE
from .indicator import IndicatorType, ListAction
from .keys import ADDRESS, ENDPOINT, HASH, HOST, PAGE, PHRASE, Lead, Width, keys, leads, width
from .lists import BadLines, ListProblem, check_header, is_row, read_row, said_before
from .quick_rows import QuickRows

_BLOCK = 1 << 22
_QUICK_TYPES = {
    ord(HOST): IndicatorType.HOST,
    ord(PAGE): IndicatorType.URL,
    ord(ADDRESS): IndicatorType.IP,
    ord(ENDPOINT): IndicatorType.IP_PORT,
    ord(HASH): IndicatorType.HASH,
    ord(PHRASE): IndicatorType.PHRASE,
}
_HOST = HOST.encode()
_PAGES, _PHRASES = int(Lead.PAGES), int(Lead.PHRASES)
Identity = tuple[bytes, bytes, bool]
_T = TypeVar("_T")


class Gathered:
    """What one list holds; a node is a key of a row, or a lead to one. `pieces` says where its lines are."""

    def __init__(self, data: bytes, *, name: str, seed: int, helped: bool = False) -> None:
        """Read the list, `helped` by a second process; raise `ListProblem` where it can't be used."""
        data = data.removeprefix(b"\xef\xbb\xbf")
        self.text = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
        self.name, self.seed = name, seed
        if len(self.text) >= MARK:
            raise ListProblem(name, None, f"larger than {MARK >> 20} MiB")
        self.pieces = array("I", _pieces(self.text))
        number, place = self._header()
        middle = _end(self.text, (place + len(self.text)) // 2) + 1
        if not helped or middle >= len(self.text):
            self.nodes = Nodes(self.text, name, seed).read(number, place, len(self.text))
            return
        between = self.text.count(b"\n", place, middle)
        later = aside(lambda: Nodes(self.text, name, seed).read(number + between, middle, len(self.text)))
        self.nodes = Nodes(self.text, name, seed).read(number, place, middle)
        try:
            self.nodes.add(later())
        except (EOFError, pickle.UnpicklingError):
            raise ListProblem(name, None, "the process that helped to read it ended early") from None

    def is_left_out(self, place: int, said: dict[Identity, int]) -> bool:
        """Tell whether the row there says what one of the same key `said`, and note it in either case."""
        line = self.text[place : _end(self.text, place)]
        first = said.setdefault(self.nodes.identity(line), place)
        if first == place and len(said) <= MOST_ALIKE:
            return False
        self.nodes.entries -= 1
        why = said_before(self._line(first)) if first != place else f"{MOST_ALIKE} rows are about the same"
        self.nodes.bad.add(self._line(place), why, line.decode("utf-8", "surrogateescape"))
        return True

    def _line(self, place: int) -> int:
        piece = place // PIECE
        return self.pieces[piece] + self.text.count(b"\n", piece * PIECE, place) + 1

    def _header(self) -> tuple[int, int]:
        """Return the number of the line that names the columns, and where the next begins."""
        place = 0
        for number, line in enumerate(_lines(self.text, 0, len(self.text)), start=1):
            place += len(line) + 1
            text = line.decode("utf-8", "surrogateescape")
            if is_row(text):
                check_header((number, text), self.name)
                return number, place
        check_header(None, self.name)
        return 0, place


class Nodes:
    """The nodes of a part of a list, in its order."""

    def __init__(self, text: bytes, name: str, seed: int) -> None:
        self._text, self._name, self._seed = text, name, seed
        self.hashes, self.places = array("Q"), array("I")
        self.types: set[IndicatorType] = set()
        self.widths: set[Width] = set()
        self.entries = 0
        self.bad = BadLines()
        self._quick, self._marked = QuickRows(), set[int]()

    def __getstate__(self) -> tuple[object, ...]:
        return self.hashes, self.places, self.types, self.widths, self.entries, self.bad

    def __setstate__(self, state: Any) -> None:
        self.hashes, self.places, self.types, self.widths, self.entries, self.bad = state

    def add(self, later: "Nodes") -> None:
        """Add the nodes of the part that follows."""
        self.hashes += later.hashes
        self.places += later.places
        self.types |= later.types
        self.widths |= later.widths
        self.entries += later.entries
        self.bad.follow(later.bad)

    def read(self, before: int, place: int, end: int) -> Self:
        """Read the lines from `place` to `end`, the first of which comes after line `before`."""
        quick, digest, seed = self._quick.read, xxhash.xxh3_64_intdigest, self._seed
        hashes, places = self.hashes.append, self.places.append
        kinds: dict[int, int] = dict.fromkeys(_QUICK_TYPES, 0)
        for number, line in enumerate(_lines(self._text, place, end), start=before + 1):
            row = quick(line)
            if row is None:
                self._second_look(line, number, place)
            else:
                key, host, _ = row
                hashes(digest(key, seed))
                places(place)
                kinds[key[0]] += 1
                if host:
                    self._mark(_HOST + host, _PAGES)
                elif b" " in key:
                    self._mark_words(key)
            place += len(line) + 1
        self.entries += sum(kinds.values())
        self.types |= {_QUICK_TYPES[kind] for kind, count in kinds.items() if count}
        return self

    def identity(self, line: bytes) -> Identity:
        """Return what a row says in the list: a second one that says the same is left out."""
        quick = self._quick.read(line)
        if quick is not None:
            key, _, rest = quick
            return key, rest.expires, rest.allows
        row = read_row(line.decode("utf-8", "surrogateescape"), "", 0)
        expires = b"" if row.expires is None else row.expires.isoformat().encode()
        return keys(row)[0].encode("utf-8", "replace"), expires, row.action is ListAction.ALLOW

    def _second_look(self, line: bytes, number: int, place: int) -> None:
        text = line.decode("utf-8", "surrogateescape")
        if not is_row(text):
            return
        try:
            row = read_row(text, self._name, number)
        except RefusedError as problem:
            self.bad.add(number, str(problem), text)
            return
        self.entries += 1
        for key in dict.fromkeys(keys(row)):
            self._node(self._digest(key.encode("utf-8", "replace")), place)
        for key, lead in leads(row):
            self._mark(key.encode("utf-8", "replace"), lead)
        self.types.add(row.type)
        if row.type is IndicatorType.CIDR:
            self.widths.add(width(row))

    def _mark_words(self, key: bytes) -> None:
        """Mark what leads to a phrase of plain words: each word, and each blank after one."""
        blank = key.find(b" ")
        while blank > 0:
            self._mark(key[:blank], _PHRASES)
            self._mark(key[: blank + 1], _PHRASES)
            blank = key.find(b" ", blank + 1)

    def _mark(self, key: bytes, lead: int) -> None:
        hashed = self._digest(key)
        if hashed not in self._marked:
            self._marked.add(hashed)
            self._node(hashed, MARK | lead)

    def _digest(self, key: bytes) -> int:
        return xxhash.xxh3_64_intdigest(key, self._seed)

    def _node(self, hashed: int, place: int) -> None:
        self.hashes.append(hashed)
        self.places.append(place)


def aside(work: Callable[[], _T]) -> Callable[[], _T]:
    """Begin some work in another process; return what waits for it and gives what came of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open(writing, "wb") as file:  # noqa: PTH123
                pickle.dump(work(), file, protocol=5)
        finally:
            os._exit(0)
    os.close(writing)

    def result() -> _T:
        with open(reading, "rb") as file:  # noqa: PTH123
            found: _T = pickle.load(file)  # noqa: S301 (our own child wrote it)
        os.waitpid(child, 0)
        return found

    return result


def _lines(text: bytes, place: int, stop: int) -> Iterator[bytes]:
    """Yield the lines from `place` up to `stop`, without having them all in memory."""
    while place < stop:
        end = text.rfind(b"\n", place, min(place + _BLOCK, stop)) + 1 or _end(text, place) + 1
        yield from text[place : end - 1].split(b"\n")
        place = end


def _pieces(text: bytes) -> Iterator[int]:
    """Yield how many lines end before each piece of a text."""
    count = 0
    for start in range(0, len(text), PIECE):
        yield count
        count += text.count(b"\n", start, start + PIECE)


def _end(text: bytes, place: int) -> int:
    end = text.find(b"\n", place)
    return len(text) if end < 0 else end
