"""The rows about programs: names, paths and hashes."""

from vedette_schemas import OperatingSystem

from .indicator import Indicator, IndicatorType
from .keys import HASH, NAME, PATH
from .programs import base_name, name_key, read_path, rules
from .shelves import Shelf

Hit = tuple[Indicator, str]


class ProgramIndex:
    """Finds the rows that a program hits, by the rules of the system it runs on."""

    def __init__(self, shelf: Shelf) -> None:
        """Look on this shelf."""
        self._get = shelf.get
        self._has_names = IndicatorType.PROGRAM in shelf.types
        self._has_paths = IndicatorType.PATH in shelf.types

    def name_hits(self, text: str, os: OperatingSystem | None) -> list[Hit]:
        """Return what a program's whole base name hits."""
        if not self._has_names:
            return []
        how = rules(text, os)
        key = name_key(base_name(text, how), how)
        return self._hits(NAME[how] + key, key)

    def path_hits(self, text: str, os: OperatingSystem | None) -> list[Hit]:
        """Return what a path hits, as a whole and by its base name."""
        how = rules(text, os)
        path = read_path(text, how) if self._has_paths else None
        hits = [] if path is None else self._hits(PATH[how] + path, path)
        return hits + self.name_hits(text, os)

    def hash_hits(self, digits: str) -> list[Hit]:
        """Return what a hash in canonical form hits."""
        return self._hits(HASH + digits, digits)

    def _hits(self, key: str, subject: str) -> list[Hit]:
        entry = self._get(key)
        return [] if entry is None else [(row, subject) for row in entry.rows]
