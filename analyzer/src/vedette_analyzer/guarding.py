"""Reads what operators guard and protect; read at the start, so an edit counts from the next one."""

import logging
from collections.abc import Sequence
from pathlib import Path

from vedette_indicators import BadLine, ListProblem
from vedette_indicators.guard import Guard, read_guard
from vedette_indicators.keys import HOST
from vedette_indicators.look_alikes import LookAlikes
from vedette_schemas import SettingsError

log = logging.getLogger(__name__)

_TOLD = 20


def guard_of(paths: Sequence[Path]) -> Guard:
    """Return what these files guard; raise `SettingsError` where one can't be read."""
    entries: dict[str, str] = {}
    for path in paths:
        for key, source in _read(path).items():
            entries.setdefault(key, source)
    return Guard(entries)


def protected(path: Path | None) -> LookAlikes:
    """Return what tells look-alikes of the names in a file; raise `SettingsError` where it can't be read."""
    keys = {} if path is None else _read(path)
    return LookAlikes(key.removeprefix(HOST) for key in keys if key.startswith(HOST))


def _read(path: Path) -> dict[str, str]:
    try:
        entries, bad = read_guard(path.read_text("utf-8", "replace"), name=path.name)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; mend it or take it out of the settings") from None
    except ListProblem as problem:
        raise SettingsError(f"{path}: {problem.in_words}") from None
    _tell(path, bad)
    return entries


def _tell(path: Path, bad: Sequence[BadLine]) -> None:
    for line in bad[:_TOLD]:
        log.warning("%s line %d: %s", path, line.line, line.reason)
