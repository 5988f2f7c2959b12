"""Reads the lists, and again whenever one of their files is edited."""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol

from vedette_indicators import BadLine, Indicator, IndicatorTable, ListProblem, read_list
from vedette_indicators.compiled import CompiledError, CompiledList
from vedette_schemas import SettingsError
from vedette_transport import Call, Inbox

from .edited import LARGE_BYTES, Stamp, opened, stamp
from .faults import trace
from .hunting.generations import Source

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25

_MAX_COMPILING_SECONDS = 900


@dataclass(frozen=True, slots=True)
class ListsRead:
    """The lists were read: the table to judge by from now on, and what operators should know.

    `sources` are the lists themselves; as `generation` they are to be hunted for, if they are.
    """

    table: IndicatorTable
    entries: int
    problems: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    generation: int | None = None


_Rows = tuple[Indicator, ...] | CompiledList


class ListFiles:
    """The list files, each with its rows as last read without a problem; large ones compiled."""

    def __init__(self, paths: Sequence[Path], folder: Path | None = None, feeds: Sequence[Path] = ()) -> None:
        """Watch these; nothing is read yet. Compiled lists are kept in `folder`, if given.

        What becomes of `feeds` was judged before they were replaced: they may shrink as they like. Others
        may be set at any time, by any thread.
        """
        self._own, self.feeds = tuple(paths), tuple(feeds)
        self._folder = folder
        self._rows: dict[Path, _Rows] = {}
        self._sources: dict[Path, Source] = {}
        self._stamps: dict[Path, Stamp | None] = {}
        self._bad: dict[Path, frozenset[str]] = {}

    def first(self) -> ListsRead:
        """Read all; raise `SettingsError` where one can't be used at all."""
        problems: list[str] = []
        paths = (*self._own, *self.feeds)
        for path in paths:
            try:
                problems += self._read(path)
            except (ListProblem, OSError) as error:
                raise SettingsError(
                    f"{path}: {_in_words(error)}; without it nothing can be matched"
                ) from None
        return self._table(paths, problems)

    def changed(self) -> ListsRead | None:
        """Read what was edited since; `None` if nothing was. A list that can't be used keeps its rows."""
        paths = (*self._own, *self.feeds)
        edited = [path for path in paths if path not in self._stamps or stamp(path) != self._stamps[path]]
        gone = self._stamps.keys() - set(paths)
        if not edited and not gone:
            return None
        for path in gone:
            self._forget(path)
        problems: list[str] = []
        for path in edited:
            try:
                problems += self._read(path)
            except (ListProblem, OSError) as error:
                self._stamps[path] = stamp(path)
                problems.append(f"the old entries of {path.name} stay in force: {_in_words(error)}")
        return self._table(paths, problems)

    def _read(self, path: Path) -> list[str]:
        """Read one file; its stamp is taken before, so that an edit meanwhile is read next time."""
        seen = stamp(path)
        previous = len(self._rows.get(path, ())) if path in self._own else 0
        with opened(path) as file:
            rows, bad, source = self._rows_of(path, file, previous)
        self._rows[path], self._sources[path], self._stamps[path] = rows, source, seen
        known = self._bad.get(path, frozenset())
        self._bad[path] = frozenset(line.reason for line in bad)
        return _told(path, [line for line in bad if line.reason not in known])

    def _rows_of(
        self, path: Path, file: BufferedReader, previous: int
    ) -> tuple[_Rows, Sequence[BadLine], Source]:
        if os.fstat(file.fileno()).st_size > LARGE_BYTES:
            digest = hashlib.file_digest(file, hashlib.blake2b).hexdigest()
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            made = self._compiled(path, file, previous)
            place = b"" if self._folder is None else self._folder / self._compiled_name(path)
            return made, made.bad, Source(path.name, digest, place)
        # what grew since is read whole the next time
        text = file.read(2 * LARGE_BYTES)
        rows, bad = read_list(text.decode("utf-8", "replace"), name=path.name, previous=previous)
        return rows, bad, Source(path.name, hashlib.blake2b(text).hexdigest(), text)

    def _compiled(self, path: Path, file: BinaryIO, previous: int) -> CompiledList:
        """Have a list compiled by a process of its own; what is in force stays until all went well."""
        if self._folder is None:
            with tempfile.TemporaryDirectory(prefix="vedette-lists-") as folder:
                return compiled(path.name, file, Path(folder, path.name), previous)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return compiled(path.name, file, self._folder / self._compiled_name(path), previous)

    def _compiled_name(self, path: Path) -> str:
        place = self._own.index(path) if path in self._own else "feed"
        return f"{place}-{path.name}.compiled"

    def _forget(self, path: Path) -> None:
        """Let go of a feed that is none any more."""
        del self._stamps[path]
        self._rows.pop(path, None)
        self._sources.pop(path, None)
        self._bad.pop(path, None)
        if self._folder is not None:
            (self._folder / self._compiled_name(path)).unlink(missing_ok=True)

    def _table(self, paths: Sequence[Path], problems: list[str]) -> ListsRead:
        lists = [self._rows[path] for path in paths if path in self._rows]
        small = (row for rows in lists if not isinstance(rows, CompiledList) for row in rows)
        table = IndicatorTable(small, [rows for rows in lists if isinstance(rows, CompiledList)])
        sources = tuple(self._sources[path] for path in paths if path in self._sources)
        return ListsRead(table, len(table), tuple(problems), sources)


def compiled(name: str, file: BinaryIO, target: Path, previous: int) -> CompiledList:
    """Compile a list into `target` and map it, or raise `ListProblem` and leave `target` alone."""
    fresh = target.with_name(target.name + ".new")
    words = [sys.executable, "-m", "vedette_indicators.compiling", name, str(fresh), str(previous)]
    try:
        done = subprocess.run(
            words,
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_MAX_COMPILING_SECONDS,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:500]
            raise ListProblem(name, None, said or f"what compiles it ended with {done.returncode}")
        made = CompiledList(fresh)
        fresh.replace(target)
    except (subprocess.TimeoutExpired, CompiledError) as error:
        raise ListProblem(name, None, f"it could not be compiled: {error}") from None
    finally:
        fresh.unlink(missing_ok=True)
    return made


class Watched(Protocol):
    """Files that are looked at again and again."""

    def changed(self) -> object | None:
        """Return what they say since the last look; `None` if nothing was edited."""
        ...


def watch(watched: Sequence[Watched], inbox: Inbox, stopping: threading.Event) -> None:
    """Put each new reading into `inbox` until `stopping`."""
    while not stopping.wait(LOOK_SECONDS):
        for files in watched:
            try:
                reading = files.changed()
            except Exception as error:  # noqa: BLE001 (whatever a file may hold, the next edit is to be seen)
                log.error("a file could not be read: %s", trace(error))  # noqa: TRY400 (its words may repeat the file)
                continue
            if reading is not None:
                inbox.put(Call(reading))


def _told(path: Path, bad: Sequence[BadLine]) -> list[str]:
    for line in bad[:20]:
        log.warning("%s line %d: %s", path, line.line, line.reason)
    if not bad:
        return []
    first = f"{path.name} line {bad[0].line}: {bad[0].reason}"
    more = f" (and {len(bad) - 1} more bad {'line' if len(bad) == 2 else 'lines'})" if len(bad) > 1 else ""  # noqa: PLR2004
    return [f"{first}{more}; the good lines serve"]


def _in_words(error: Exception) -> str:
    if isinstance(error, ListProblem):
        return error.in_words
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
