"""Reads the lists, and again whenever one of their files is edited."""

import errno
import logging
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vedette_indicators import BadLine, Indicator, IndicatorTable, ListProblem, read_list
from vedette_schemas import SettingsError
from vedette_transport import Call, Inbox

from .faults import trace

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
MAX_LIST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class ListsRead:
    """The lists were read: the table to judge by from now on, and what operators should know."""

    table: IndicatorTable
    entries: int
    problems: tuple[str, ...]


_Stamp = tuple[int, int, int, int]


class ListFiles:
    """The list files, each with its rows as last read without a problem."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Watch these; nothing is read yet."""
        self._paths = tuple(paths)
        self._rows: dict[Path, tuple[Indicator, ...]] = {}
        self._stamps: dict[Path, _Stamp | None] = {}
        self._bad: dict[Path, frozenset[str]] = {}

    def first(self) -> ListsRead:
        """Read all; raise `SettingsError` where one can't be used at all."""
        problems: list[str] = []
        for path in self._paths:
            try:
                problems += self._read(path)
            except (ListProblem, OSError) as error:
                raise SettingsError(
                    f"{path}: {_in_words(error)}; without it nothing can be matched"
                ) from None
        return self._table(problems)

    def changed(self) -> ListsRead | None:
        """Read what was edited since; `None` if nothing was. A list that can't be used keeps its rows."""
        edited = [path for path in self._paths if _stamp(path) != self._stamps.get(path)]
        if not edited:
            return None
        problems: list[str] = []
        for path in edited:
            try:
                problems += self._read(path)
            except (ListProblem, OSError) as error:
                self._stamps[path] = _stamp(path)
                problems.append(f"the old entries of {path.name} stay in force: {_in_words(error)}")
        return self._table(problems)

    def _read(self, path: Path) -> list[str]:
        """Read one file; its stamp is taken before, so that an edit meanwhile is read next time."""
        stamp = _stamp(path)
        text = _content(path).decode("utf-8", "replace")
        rows, bad = read_list(text, name=path.name, previous=len(self._rows.get(path, ())))
        self._rows[path], self._stamps[path] = rows, stamp
        known = self._bad.get(path, frozenset())
        self._bad[path] = frozenset(line.reason for line in bad)
        return _told(path, [line for line in bad if line.reason not in known])

    def _table(self, problems: list[str]) -> ListsRead:
        rows = [row for path in self._paths for row in self._rows.get(path, ())]
        return ListsRead(IndicatorTable(rows), len(rows), tuple(problems))


def watch(files: ListFiles, inbox: Inbox, stopping: threading.Event) -> None:
    """Put each new reading into `inbox` until `stopping`."""
    while not stopping.wait(LOOK_SECONDS):
        try:
            reading = files.changed()
        except Exception as error:  # noqa: BLE001 (whatever a file may hold, the next edit is to be seen)
            log.error("the lists could not be read: %s", trace(error))  # noqa: TRY400 (its words may repeat the file)
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


def _stamp(path: Path) -> _Stamp | None:
    """Return what changes with every edit, a replacement of the file included."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes:
    """Read a file of bounded size that is a file: a pipe would hold us up, a device has no end."""
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        content = file.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        raise OSError(errno.EFBIG, f"larger than {MAX_LIST_BYTES >> 20} MiB")
    return content


def _in_words(error: Exception) -> str:
    if isinstance(error, ListProblem):
        return error.reason if error.line is None else f"line {error.line}: {error.reason}"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
