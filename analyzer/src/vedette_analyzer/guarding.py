"""Reads what operators guard and protect, and again whenever one of these files is edited."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vedette_indicators import BadLine, ListProblem
from vedette_indicators.guard import Guard, read_guard
from vedette_indicators.keys import HOST
from vedette_indicators.lists import check_size
from vedette_indicators.look_alikes import LookAlikes
from vedette_schemas import SettingsError

from .edited import Stamp, opened, stamp

log = logging.getLogger(__name__)

_TOLD = 20


@dataclass(frozen=True, slots=True)
class GuardRead:
    """What is guarded and protected from now on, and what operators should know of it."""

    guard: Guard
    look_alikes: LookAlikes
    problems: tuple[str, ...] = ()


class GuardFiles:
    """The files of what is guarded and protected, each with what it last held without a problem."""

    def __init__(self, guard: Sequence[Path] = (), protect: Path | None = None) -> None:
        """Watch these; nothing is read yet."""
        self._guard, self._protect = tuple(guard), protect
        self._paths = tuple(dict.fromkeys(guard if protect is None else (*guard, protect)))
        self._entries: dict[Path, Mapping[str, str]] = {}
        self._stamps: dict[Path, Stamp | None] = {}

    def first(self) -> GuardRead:
        """Read all; raise `SettingsError` where one can't be used."""
        for path in self._paths:
            problem = self._read(path)
            if problem is not None:
                raise SettingsError(f"{path}: {problem}; mend it or take it out of the settings")
        return self._made(())

    def changed(self) -> GuardRead | None:
        """Read what was edited since; `None` if nothing was. A file that can't be used keeps its entries."""
        edited = [path for path in self._paths if stamp(path) != self._stamps[path]]
        if not edited:
            return None
        found = [(path, self._read(path)) for path in edited]
        problems = (f"the old entries of {path.name} stay in force: {why}" for path, why in found if why)
        return self._made(tuple(problems))

    def _read(self, path: Path) -> str | None:
        """Read one file; return why it can't be used. Its stamp is taken before, as an edit may follow."""
        self._stamps[path] = stamp(path)
        try:
            with opened(path) as file:
                text = file.read().decode("utf-8", "replace")
            entries, bad = read_guard(text, name=path.name)
            # one that is being written is short, too, and what it would not guard might be blocked
            check_size(len(entries), len(self._entries.get(path, ())), path.name)
        except OSError as error:
            return error.strerror or str(error)
        except ListProblem as problem:
            return problem.in_words
        self._entries[path] = entries
        _tell(path, bad)
        return None

    def _made(self, problems: tuple[str, ...]) -> GuardRead:
        entries: dict[str, str] = {}
        for path in self._guard:
            for key, source in self._entries[path].items():
                entries.setdefault(key, source)
        names = self._entries[self._protect] if self._protect else ()
        look_alikes = LookAlikes(key.removeprefix(HOST) for key in names if key.startswith(HOST))
        return GuardRead(Guard(entries), look_alikes, problems)


def _tell(path: Path, bad: Sequence[BadLine]) -> None:
    for line in bad[:_TOLD]:
        log.warning("%s line %d: %s", path, line.line, line.reason)
