"""Where rows are kept by their keys: a dictionary for few of them, a compiled list for many."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from .indicator import Indicator, IndicatorType
from .keys import Lead, Width, keys, leads, width


class Entry(NamedTuple):
    """What is kept under one key."""

    rows: tuple[Indicator, ...]
    lead: Lead


class Shelf(Protocol):
    """Rows by their keys; it does not change once made."""

    @property
    def types(self) -> frozenset[IndicatorType]:
        """The types of the rows."""
        ...

    @property
    def widths(self) -> frozenset[Width]:
        """The widths of the networks among the rows."""
        ...

    def __len__(self) -> int: ...

    def get(self, key: str) -> Entry | None:
        """Return what is kept under the key, if anything."""
        ...


class DictShelf:
    """Rows in memory."""

    def __init__(self, rows: Iterable[Indicator]) -> None:
        found: dict[str, list[Indicator]] = {}
        lead: dict[str, Lead] = {}
        widths: set[Width] = set()
        types: set[IndicatorType] = set()
        self._size = 0
        for row in rows:
            self._size += 1
            for key in keys(row):
                found.setdefault(key, []).append(row)
            for key, why in leads(row):
                lead[key] = lead.get(key, Lead(0)) | why
            types.add(row.type)
            if row.type is IndicatorType.CIDR:
                widths.add(width(row))
        self.types, self.widths = frozenset(types), frozenset(widths)
        nothing = Lead(0)
        entries = {key: Entry(tuple(rows), lead.pop(key, nothing)) for key, rows in found.items()}
        entries.update((key, Entry((), why)) for key, why in lead.items())
        self._entries = entries

    def __len__(self) -> int:
        return self._size

    def get(self, key: str) -> Entry | None:
        """Return what is kept under the key, if anything."""
        return self._entries.get(key)


class Shelves:
    """Several shelves as one."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves = tuple(shelves)
        self.types = frozenset(kind for shelf in shelves for kind in shelf.types)
        self.widths = frozenset(width for shelf in shelves for width in shelf.widths)

    def __len__(self) -> int:
        return sum(len(shelf) for shelf in self._shelves)

    def get(self, key: str) -> Entry | None:
        """Return what all of them have under the key."""
        found: Entry | None = None
        for shelf in self._shelves:
            entry = shelf.get(key)
            if entry is not None:
                found = entry if found is None else Entry(found.rows + entry.rows, found.lead | entry.lead)
        return found
