"""What lists hold that others did not: the entries to hunt for."""

import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import xxhash
from vedette_indicators import (
    COLUMNS,
    Indicator,
    IndicatorTable,
    ListAction,
    ListProblem,
    RefusedError,
    read_list,
)
from vedette_indicators.compiled import CompiledError, CompiledList
from vedette_indicators.compiling import compile_list
from vedette_indicators.keys import keys
from vedette_indicators.lists import is_row, read_row
from vedette_indicators.shelves import DictShelf, Shelf, Shelves

from .generations import KeptList

log = logging.getLogger(__name__)

COMPILED_FROM = 10_000
"""So many entries are compiled; fewer are held in memory."""

_HEADER = (",".join(COLUMNS) + "\n").encode()


class OpenList:
    """A list of a generation, to look in and to read through."""

    def __init__(self, kept: KeptList) -> None:
        """Open it; raise `CompiledError`, `ListProblem` or `OSError` where it can't be used."""
        self.name, self.digest = kept.name, kept.digest
        self.shelf: Shelf
        self.rows: tuple[Indicator, ...] = ()
        if kept.is_compiled:
            self.shelf = compiled = CompiledList(kept.file)
            self.text = bytes(compiled.text)
        else:
            text = kept.file.read_bytes()
            self.rows, _ = read_list(text.decode("utf-8", "replace"), name=kept.name)
            self.shelf = DictShelf(self.rows)
            self.text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def opened(lists: Iterable[KeptList]) -> list[OpenList]:
    """Open the lists that can be used; what a damaged one held counts as not listed."""
    found: list[OpenList] = []
    for kept in lists:
        try:
            found.append(OpenList(kept))
        except (CompiledError, ListProblem, OSError) as error:
            log.warning("%s as it was before can't be read: %s", kept.name, error)
    return found


class News:
    """The entries of some lists that are in none of the others, whatever they asked for there."""

    def __init__(self, known: Sequence[OpenList], wanted: Sequence[OpenList]) -> None:
        """Compare the lists as they are `wanted` with those that are `known`."""
        self._known = Shelves([each.shelf for each in known])
        self._lists = {each.name: each for each in known}
        self._wanted = wanted
        self._seed = secrets.randbits(64)

    def is_new(self, row: Indicator) -> bool:
        """Tell whether an entry is not known; one that only allows is nothing to hunt for."""
        if row.action is ListAction.ALLOW:
            return False
        entry = self._known.get(keys(row)[0])
        return entry is None or not any(
            old.type is row.type and old.value == row.value and old.action is not ListAction.ALLOW
            for old in entry.rows
        )

    def rows(self) -> Iterator[tuple[Indicator, bytes]]:
        """Yield the new entries, each with its line."""
        for each in self._wanted:
            before = self._lists.get(each.name)
            if before is not None and before.digest == each.digest:
                continue
            for number, line in self._other_lines(each.text, b"" if before is None else before.text):
                row = _row(line, each.name, number)
                if row is not None and self.is_new(row):
                    yield row, line

    def _other_lines(self, text: bytes, before: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that were not there before: of a large list that is refreshed, few."""
        digest, seed = xxhash.xxh3_64_intdigest, self._seed
        said = {digest(line.rstrip(b"\n"), seed) for line in BytesIO(before)}
        for number, ended in enumerate(BytesIO(text), start=1):
            line = ended.rstrip(b"\n")
            if not said or digest(line, seed) not in said:
                yield number, line


def table_of(
    found: Iterable[tuple[Indicator, bytes]], scratch: Path, compiled_from: int = COMPILED_FROM
) -> IndicatorTable:
    """Return a table of new entries; many are compiled into the file `scratch`, which is gone afterwards."""
    rows: list[Indicator] = []
    text = BytesIO()
    text.write(_HEADER)
    for row, line in found:
        if len(rows) < compiled_from:
            rows.append(row)
        text.write(line + b"\n")
    if len(rows) < compiled_from:
        return IndicatorTable(rows)
    try:
        with scratch.open("wb") as file:
            compile_list(text.getvalue(), file, name="new")
        return IndicatorTable((), [CompiledList(scratch)])
    finally:
        scratch.unlink(missing_ok=True)


def _row(line: bytes, name: str, number: int) -> Indicator | None:
    """Return what a line says; `None` where that is nothing, as when the list was read."""
    text = line.decode("utf-8", "replace")
    try:
        return read_row(text, name, number) if is_row(text) else None
    except RefusedError:
        return None
