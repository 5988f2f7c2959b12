"""A compiled list: its text and a table of where its rows stand, to be mapped into memory."""

import json
import mmap
import os
import struct
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO

import xxhash
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from vedette_schemas import VedetteError

from .canonical import RefusedError
from .indicator import Indicator, IndicatorType
from .keys import Lead, Width, keys
from .lists import MAX_BAD_LINES, BadLine, read_row
from .shelves import Entry

MAGIC = b"Vedette list\r\n\x1a\n"
FORMAT = 3
"""To be raised with every change to the layout, to the keys or to a canonical form."""

FIXED = struct.Struct("<16sIIQ16s")
"""Magic, format, length of the facts, length of the file, checksum of all that follows."""

MARK = 1 << 31
"""In a slot's lower half: there is no row, the rest says where it leads. Else it is where a row stands."""

LOWER = (1 << 32) - 1
"""The lower half of a digest says at which slot to begin, the upper half stands in it."""

PIECE = 1 << 12
"""For each so many bytes of the text the file says how many lines end before them."""

MOST_ALIKE = 4_096
"""Rows of one key, which differ in when they end; more are not looked at."""

FILTER_SHIFT = 61
"""A filter is asked before the table: of each digest one bit, whose upper three tell the bit of a byte."""

_LONGEST_LINE = 1 << 17
_CHUNK = 1 << 22
_USUAL_LINE = 512
_REMEMBERED = 4_096

_Count = Annotated[int, Field(ge=0, lt=1 << 32)]


class CompiledError(VedetteError):
    """A file that is no compiled list, or is damaged; the text says what is wrong with it."""


class Facts(BaseModel):
    """What a compiled list says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    seed: Annotated[int, Field(ge=0, lt=1 << 64)]
    entries: _Count
    slots: Annotated[int, Field(ge=2, lt=1 << 32)]
    pieces: _Count
    filter: Annotated[int, Field(ge=8, le=1 << 34)]
    types: frozenset[IndicatorType]
    widths: frozenset[tuple[Annotated[int, Field(ge=4, le=6)], Annotated[int, Field(ge=0, le=128)]]]
    bad: Annotated[tuple[tuple[int, str], ...], Field(max_length=MAX_BAD_LINES + 1)]


class CompiledList:
    """The rows of one compiled list, read from its text as they are hit.

    What the table points at is read and compared again, so that a wrong table can lose a row and never
    make one up. The table is mapped; of the text a row is read when it is hit. Any number of processes can
    share the file; replace it by renaming, never in place.
    """

    def __init__(self, path: Path) -> None:
        """Map the file; raise `CompiledError` where it is damaged, `OSError` where it can't be read."""
        with path.open("rb") as file:
            facts, start = _check(file)
            slots = start + facts.filter
            pieces = slots + facts.slots * 8
            self._text = pieces + facts.pieces * 4
            self._map = mmap.mmap(file.fileno(), self._text, access=mmap.ACCESS_READ)
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self.name = facts.name
        self.bad = tuple(BadLine(line, reason) for line, reason in facts.bad)
        self.types, self.widths = facts.types, frozenset[Width](facts.widths)
        self._entries, self._seed = facts.entries, facts.seed
        view = memoryview(self._map)
        self._filter, self._filter_mask = view[start:slots], facts.filter - 1
        self._slots, self._count = view[slots:pieces].cast("Q"), facts.slots
        self._pieces = view[pieces : self._text].cast("I")
        self._read: dict[int, Indicator | None] = {}
        self._digest: Callable[[bytes, int], int] = xxhash.xxh3_64_intdigest

    def __len__(self) -> int:
        return self._entries

    @property
    def text(self) -> memoryview:
        """The list that was compiled, as it was."""
        return memoryview(mmap.mmap(self._file, 0, access=mmap.ACCESS_READ))[self._text :]

    def get(self, key: str) -> Entry | None:
        """Return what is kept under the key, if anything."""
        digest = self._digest(key.encode("utf-8", "replace"), self._seed)
        if not self._filter[digest & self._filter_mask] >> (digest >> FILTER_SHIFT) & 1:
            return None  # as most often: what is looked for is on no list
        slots, count = self._slots, self._count
        at, tag = (digest & LOWER) * count >> 32, digest >> 32
        found: list[int] = []
        tries = 0
        while (slot := slots[at]) and tries < count:
            if slot >> 32 == tag:
                found.append(slot & LOWER)
            tries += 1
            at = at + 1 if at + 1 < count else 0
        return self._entry(key, found) if found else None

    def _entry(self, key: str, places: list[int]) -> Entry | None:
        rows: list[Indicator] = []
        lead = 0
        for place in places[:MOST_ALIKE]:
            if place & MARK:
                lead |= place & ~MARK
            elif (row := self._row(place)) is not None and key in keys(row):
                rows.append(row)
        return Entry(tuple(rows), Lead(lead & 7)) if rows or lead else None

    def _row(self, place: int) -> Indicator | None:
        if place not in self._read:
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            self._read[place] = self._row_at(place)
        return self._read[place]

    def _row_at(self, place: int) -> Indicator | None:
        piece, before = divmod(place, PIECE)
        if piece >= len(self._pieces):
            return None
        start = self._text + place - before
        text = os.pread(self._file, before + _USUAL_LINE, start)
        if b"\n" not in text[before:]:
            text = os.pread(self._file, before + _LONGEST_LINE, start)
        line = self._pieces[piece] + text.count(b"\n", 0, before) + 1
        row = text[before:].partition(b"\n")[0]
        try:
            return read_row(row.decode("utf-8", "surrogateescape"), self.name, line)
        except RefusedError:
            return None


def _check(file: BinaryIO) -> tuple[Facts, int]:
    """Return what the file says of itself and where its table begins, if all of it is as it was written."""
    fixed = file.read(FIXED.size)
    if len(fixed) < FIXED.size or not fixed.startswith(MAGIC):
        raise CompiledError("not a compiled list")
    _, version, length, size, checksum = FIXED.unpack(fixed)
    if version != FORMAT:
        raise CompiledError(f"compiled by another version ({version}, this one reads {FORMAT})")
    digest, found, facts = xxhash.xxh3_128(), FIXED.size, b""
    while chunk := file.read(_CHUNK):
        if len(facts) < length:
            facts += chunk[: length - len(facts)]
        digest.update(chunk)
        found += len(chunk)
    if found != size or digest.digest() != checksum:
        raise CompiledError("damaged: its checksum is another")
    try:
        said = Facts.model_validate_json(facts)
    except ValidationError:
        raise CompiledError("what it says of itself can't be read") from None
    start = FIXED.size + length
    room = said.filter + said.slots * 8 + said.pieces * 4
    if said.filter & (said.filter - 1) or start % 8 or start + room > size:
        raise CompiledError("its parts don't fit into it")
    return said, start


def facts_json(facts: Facts) -> bytes:
    """Write the facts so that what follows them begins at a multiple of eight."""
    written = json.dumps(facts.model_dump(mode="json")).encode()
    return written + b" " * (-(len(written) + FIXED.size) % 8)
