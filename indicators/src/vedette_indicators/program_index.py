"""The rows about programs: names, paths and hashes."""

from collections.abc import Iterator

from vedette_schemas import OperatingSystem

from .indicator import Indicator, IndicatorType
from .programs import Rules, base_name, name_key, read_path, rules

Hit = tuple[Indicator, str]
Rows = tuple[Indicator, ...]


class ProgramIndex:
    """Finds the rows that a program hits, by the rules of the system it runs on."""

    def __init__(self) -> None:
        self._names: dict[tuple[Rules, str], Rows] = {}
        self._paths: dict[tuple[Rules, str], Rows] = {}
        self._hashes: dict[str, Rows] = {}

    def add(self, row: Indicator) -> None:
        """Keep a row of one of the types that this index is for; others are none of its business."""
        match row.type:
            case IndicatorType.PROGRAM:
                for how in Rules:
                    key = how, name_key(row.value, how)
                    self._names[key] = (*self._names.get(key, ()), row)
            case IndicatorType.PATH:
                for key in _path_keys(row.value):
                    self._paths[key] = (*self._paths.get(key, ()), row)
            case IndicatorType.HASH:
                self._hashes[row.value] = (*self._hashes.get(row.value, ()), row)
            case _:
                pass

    def name_hits(self, text: str, os: OperatingSystem | None) -> Iterator[Hit]:
        """Yield what a program's whole base name hits."""
        how = rules(text, os)
        key = name_key(base_name(text, how), how)
        for row in self._names.get((how, key), ()):
            yield row, key

    def path_hits(self, text: str, os: OperatingSystem | None) -> Iterator[Hit]:
        """Yield what a path hits, as a whole and by its base name."""
        how = rules(text, os)
        path = read_path(text, how) if self._paths else None
        if path is not None:
            for row in self._paths.get((how, path), ()):
                yield row, path
        yield from self.name_hits(text, os)

    def hash_hits(self, digits: str) -> Iterator[Hit]:
        """Yield what a hash in canonical form hits."""
        for row in self._hashes.get(digits, ()):
            yield row, digits


def _path_keys(path: str) -> Iterator[tuple[Rules, str]]:
    if not path.startswith("/"):
        yield Rules.WINDOWS, path
        return
    yield Rules.POSIX, path
    yield Rules.MACOS, path.lower()
