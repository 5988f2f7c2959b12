"""Sets of numbers, kept as few ranges: what is archived of a stream, what was dropped."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Range(NamedTuple):
    """The numbers from `first` to `last`, both included."""

    first: int
    last: int


class Ranges:
    """A set of numbers as rising ranges that neither touch nor overlap; it never changes."""

    __slots__ = ("_ranges",)

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        """Take ranges in any order, overlapping or not."""
        merged: list[Range] = []
        for found in sorted(ranges):
            if merged and found.first <= merged[-1].last + 1:
                merged[-1] = Range(merged[-1].first, max(found.last, merged[-1].last))
            else:
                merged.append(found)
        self._ranges = tuple(merged)

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return sum(last - first + 1 for first, last in self._ranges)

    def __iter__(self) -> Iterator[Range]:
        return iter(self._ranges)

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._ranges, number, key=lambda found: found.first) - 1
        return place >= 0 and number <= self._ranges[place].last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranges) and self._ranges == other._ranges

    def __hash__(self) -> int:
        return hash(self._ranges)

    def __repr__(self) -> str:
        return f"Ranges({', '.join(f'{first}-{last}' for first, last in self._ranges)})"

    def __or__(self, other: "Ranges") -> "Ranges":
        return Ranges((*self._ranges, *other._ranges))

    def __sub__(self, other: "Ranges") -> "Ranges":
        """Return what is here and not in `other`: one pass over both."""
        left: list[Range] = []
        taken = iter(other._ranges)
        hole = next(taken, None)
        for first, last in self._ranges:
            start = first
            while hole is not None and hole.first <= last:
                if start < hole.first:
                    left.append(Range(start, hole.first - 1))
                start = max(start, hole.last + 1)
                if hole.last > last:  # it reaches into the next range too
                    break
                hole = next(taken, None)
            if start <= last:
                left.append(Range(start, last))
        return Ranges(left)
