"""Reads what operators guard and protect, and again whenever one of these files is edited."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from pathlib import Path

from vedette_indicators import BadLine, ListProblem
from vedette_indicators.guard import Guard, read_guard
from vedette_indicators.keys import HOST
from vedette_indicators.lists import check_size
from vedette_indicators.look_alikes import LookAlikes
from vedette_schemas import SettingsError

from .edited import LARGE_BYTES, Stamp, opened, stamp

log = logging.getLogger(__name__)

_TOLD = 20
_PIECE = 1_000
"""Entries that are taken from another process at once: half a millisecond."""


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
                entries, bad = _entries(path.name, file)
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


def _entries(name: str, file: BufferedReader) -> tuple[dict[str, str], Sequence[BadLine]]:
    """Read a file; a large one is read by another process, so that who judges is not held up."""
    if os.fstat(file.fileno()).st_size <= LARGE_BYTES:
        return read_guard(file.read().decode("utf-8", "replace"), name=name)
    words = [sys.executable, "-P", "-m", "vedette_analyzer.guarding", name]
    entries: dict[str, str] = {}
    with subprocess.Popen(words, stdin=file, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None  # noqa: S101 (it is a pipe)
        said = reader.stdout.readline()
        try:
            for piece in reader.stdout:
                entries.update(json.loads(piece))
        except ValueError:  # it was killed in the midst of a line
            reader.kill()
    if reader.returncode:
        raise ListProblem(name, None, f"what reads it ended with {reader.returncode}")
    found = json.loads(said)
    if isinstance(found, str):
        raise ListProblem(name, None, found)
    return entries, [BadLine(*line) for line in found]


def main() -> None:
    """Read the file on stdin; write what is wrong with it or its lines, then its entries, a few a line."""
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    try:
        entries, bad = read_guard(text, name=sys.argv[1])
    except ListProblem as problem:
        sys.stdout.write(json.dumps(problem.in_words) + "\n")
        return
    sys.stdout.write(json.dumps([(line.line, line.reason) for line in bad]) + "\n")
    items = iter(entries.items())
    while piece := dict(islice(items, _PIECE)):
        sys.stdout.write(json.dumps(piece) + "\n")


def _tell(path: Path, bad: Sequence[BadLine]) -> None:
    for line in bad[:_TOLD]:
        log.warning("%s line %d: %s", path, line.line, line.reason)


if __name__ == "__main__":
    main()
