"""What a file of the user's says otherwise than `vedette up` would: laid over the settings that it writes."""

import tomllib
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import NamedTuple, cast

from vedette_schemas import SettingsError

Table = Mapping[str, object]


class Overlay(NamedTuple):
    """The tables of a file, by program; without a file there are none."""

    path: Path | None = None
    tables: Mapping[str, Table] = {}

    def blamed(self, program: str, words: str, settings: Path) -> str:
        """Return a program's words about its settings, so that they name the file that is to be mended."""
        if program not in self.tables:
            return words
        return words.replace(str(settings), f"{self.path}: [{program}]")


NO_OVERLAY = Overlay()

MAY_SAY: Mapping[str, frozenset[str]] = {
    "analyzer": frozenset(
        {"approve_minutes", "block_hours", "feeds", "guard", "hosts", "metrics", "protect", "retention"}
    ),
    "sensor": frozenset({"hash_limit_mib", "spool", "spool_mib"}),
    "enforcer": frozenset(
        {"block", "isolate", "journal", "mode", "never_touch", "spool", "spool_mib", "term_seconds"}
    ),
    "session": frozenset({"clipboard", "poll_seconds", "privacy", "window"}),
    "broker": frozenset({"connections", "connections_per_second"}),
    "console": frozenset({"certificate", "key", "list"}),
}
"""What may be said, by program. The program itself checks the values."""

UP_SAYS: Mapping[str, Mapping[str, str]] = {
    "analyzer": {"broker": "--broker or --port", "lists": "--list", "mode": "--mode"},
    "sensor": {"broker": "--broker or --port", "host": "--host"},
    "enforcer": {"broker": "--broker or --port", "host": "--host"},
    "session": {},
    "broker": {"listen": "--port"},
    "console": {"listen": "--console", "names": "--name"},
}
"""What an option of `vedette up` says."""

UP_KEEPS = frozenset(
    {
        *("archive", "ca", "crl", "identity", "plain"),
        *("enforcer_socket", "sensor_socket", "socket"),
    }
)
"""What has to agree between the programs, so that nobody else says it."""

_PATHS = frozenset(
    {"certificate", "feeds", "guard", "journal", "key", "list", "never_touch", "protect", "spool"}
)


def read_overlay(path: Path) -> Overlay:
    """Read the tables at `path`; raise `SettingsError`, a line that names file and key.

    A relative path in it starts at its folder.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, or brackets without end
        raise SettingsError(f"{path}: not TOML: {error}") from None
    return Overlay(path, {program: _table(path, program, table) for program, table in found.items()})


def merged(below: Table, above: Table) -> dict[str, object]:
    """Return the settings of both, table by table; where both say something, `above` counts."""
    result = dict(below)
    for name, value in above.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[name] = merged(cast("Table", old), cast("Table", value)) if both else value
    return result


def _table(path: Path, program: str, table: object) -> Table:
    if program not in MAY_SAY:
        raise SettingsError(f"{path}: unknown table [{program}]; known are {', '.join(sorted(MAY_SAY))}")
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: {program}: is to be a table: [{program}]")
    values = cast("dict[str, object]", table)
    for name, value in values.items():
        _may_be_said(path, program, name)
        if not _fits(value):
            raise SettingsError(f"{path}: [{program}] {name!r}: is no text, number, array of them, or table")
    folder = path.resolve().parent
    return {name: _from(folder, value) if name in _PATHS else value for name, value in values.items()}


def _from(folder: Path, value: object) -> object:
    """Return a path, or each of a list of them, as it is found from `folder`."""
    match value:
        case str():
            return str(folder / value)
        case list():
            return [_from(folder, each) for each in cast("list[object]", value)]
        case _:
            return value


def _may_be_said(path: Path, program: str, name: str) -> None:
    where = f"{path}: [{program}] {name!r}"
    if name in MAY_SAY[program]:
        return
    if option := UP_SAYS[program].get(name):
        raise SettingsError(f"{where}: give {option} to 'vedette up' instead")
    if name in UP_KEEPS:
        raise SettingsError(f"{where}: 'vedette up' sets it, so that its programs find one another")
    raise SettingsError(f"{where}: unknown setting; known are {', '.join(sorted(MAY_SAY[program]))}")


def _fits(value: object) -> bool:
    """Tell whether a value can be written as settings are: no setting is a date, nor an array of tables."""
    match value:
        case dict():
            return all(map(_fits, cast("dict[str, object]", value).values()))
        case list():
            return all(isinstance(each, str | int) for each in cast("list[object]", value))
        case float():
            return isfinite(value)
        case _:
            return isinstance(value, str | int)
