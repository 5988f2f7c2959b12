"""The lists that are in force, as the console reads them to answer questions."""

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from vedette_indicators import BadLine, IndicatorTable
from vedette_indicators.compiled import CompiledList
from vedette_indicators.compiling import compile_list
from vedette_schemas import VedetteError

from ..indicator_files import opened
from .analyzer_settings import AnalyzerRuns

_Stamp = tuple[int, int, int]


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
    """All lists, and the table of their entries."""

    lists: tuple[ListState, ...]
    table: IndicatorTable


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
        self._table = IndicatorTable(())
        self._of: tuple[_Stamp, ...] = ()

    def in_force(self, runs: AnalyzerRuns | None) -> InForce:
        """Return what the analyzer looks up in, as far as its files say."""
        if runs is None:
            return InForce((), IndicatorTable(()))
        paths = [(path, False) for path in runs.lists]
        paths += [(path, True) for path in sorted(runs.kept.glob("*.csv"))]
        with self._lock:
            found = [self._current(path, is_feed=is_feed) for path, is_feed in paths]
            self._known = dict(zip((path for path, _ in paths), found, strict=True))
            stamps = tuple(each.stamp for each in found)
            if stamps != self._of:
                shelves = [each.compiled for each in found if each.compiled is not None]
                self._table, self._of = IndicatorTable((), shelves), stamps
            return InForce(tuple(each.state for each in found), self._table)

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
    """Read a list as the analyzer reads it; raise `VedetteError` where it can't be."""
    with opened(path) as file, TemporaryDirectory(prefix="vedette-") as folder:
        target = Path(folder, "list")
        content = file.read().decode("utf-8", "replace").encode()
        with target.open("wb") as made:
            os.fchmod(made.fileno(), 0o600)
            compile_list(content, made, name=path.name)
        return CompiledList(target)


def _unread(path: Path, why: str, *, is_feed: bool, at: datetime | None = None) -> ListState:
    return ListState(path, is_feed, 0, (), at, why)
