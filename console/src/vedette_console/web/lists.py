"""The lists that are in force, as the console reads them to answer questions."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, NamedTuple

from vedette_indicators import BadLine, Indicator, IndicatorTable, ListProblem
from vedette_indicators.compiled import CompiledError, CompiledList
from vedette_indicators.compiling import compile_list
from vedette_indicators.keys import keys
from vedette_indicators.shelves import Shelf, Shelves
from vedette_schemas import VedetteError

from ..indicator_files import opened
from .analyzer_settings import AnalyzerRuns

_Stamp = tuple[int, int, int]

_LARGE = 256 * 1024
_PATIENCE = 120


class ListState(NamedTuple):
    """A list: how many entries serve, which lines do not, or why none of it does."""

    path: Path
    is_feed: bool
    entries: int
    bad: Sequence[BadLine]
    changed_at: datetime | None
    trouble: str = ""

    @property
    def name(self) -> str:
        """What alerts call it."""
        return self.path.name


class InForce(NamedTuple):
    """All lists, and their entries: to look up what hits, and to look for an entry itself."""

    lists: tuple[ListState, ...]
    table: IndicatorTable
    shelf: Shelf

    def same(self, row: Indicator) -> list[Indicator]:
        """Return the entries of that type and value, whatever they ask for; expired ones, too."""
        found = self.shelf.get(keys(row)[0])
        rows = () if found is None else found.rows
        return [each for each in rows if (each.type, each.value) == (row.type, row.value)]


class _Known(NamedTuple):
    stamp: _Stamp
    state: ListState
    compiled: CompiledList | None


class Lists:
    """Reads lists anew once they have changed; for any thread."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}
        self._shelf = Shelves(())
        self._table = IndicatorTable(())
        self._of: tuple[_Stamp, ...] = ()

    def in_force(self, runs: AnalyzerRuns | None) -> InForce:
        """Return what the analyzer looks up in, as far as its files say."""
        if runs is None:
            return InForce((), IndicatorTable(()), Shelves(()))
        paths = [(path, False) for path in runs.lists]
        paths += [(path, True) for path in sorted(runs.kept.glob("*.csv"))]
        with self._lock:
            found = [self._current(path, is_feed=is_feed) for path, is_feed in paths]
            self._known = dict(zip((path for path, _ in paths), found, strict=True))
            stamps = tuple(each.stamp for each in found)
            if stamps != self._of:
                shelves = [each.compiled for each in found if each.compiled is not None]
                self._shelf, self._table, self._of = Shelves(shelves), IndicatorTable((), shelves), stamps
            return InForce(tuple(each.state for each in found), self._table, self._shelf)

    def _current(self, path: Path, *, is_feed: bool) -> _Known:
        try:
            found = path.stat()
        except OSError as error:
            return _Known((0, 0, 0), _unread(path, error.strerror or "", is_feed=is_feed), None)
        stamp = found.st_mtime_ns, found.st_size, found.st_ino
        known = self._known.get(path)
        if known is not None and known.stamp == stamp:
            return known
        changed_at = datetime.fromtimestamp(found.st_mtime, UTC)
        try:
            compiled = _compiled(path)
        except VedetteError as error:
            return _Known(stamp, _unread(path, str(error), is_feed=is_feed, at=changed_at), None)
        state = ListState(path, is_feed, len(compiled), compiled.bad, changed_at)
        return _Known(stamp, state, compiled)


def _compiled(path: Path) -> CompiledList:
    """Read a list as the analyzer reads it; raise `VedetteError` where it can't be.

    A large one is read by another process: it takes seconds, in which no page would be answered.
    """
    with opened(path) as file, TemporaryDirectory(prefix="vedette-") as folder:
        target = Path(folder, "list")
        if os.fstat(file.fileno()).st_size > _LARGE:
            _compile_elsewhere(path, file, target)
        else:
            with target.open("wb") as made:
                compile_list(file.read().decode("utf-8", "replace").encode(), made, name=path.name)
        try:
            return CompiledList(target)
        except CompiledError as error:
            raise ListProblem(path.name, None, str(error)) from None


def _compile_elsewhere(path: Path, file: BinaryIO, target: Path) -> None:
    words = [sys.executable, "-P", "-m", "vedette_indicators.compiling", path.name, str(target), "0"]
    try:
        done = subprocess.run(words, stdin=file, capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ListProblem(path.name, None, f"it was not read within {_PATIENCE} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:500]
        raise ListProblem(path.name, None, said or f"what reads it ended with {done.returncode}")


def _unread(path: Path, why: str, *, is_feed: bool, at: datetime | None = None) -> ListState:
    return ListState(path, is_feed, 0, (), at, why)
