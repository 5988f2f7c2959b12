"""Sets of a stream's numbers, kept as ranges: a thousand numbers in a row are one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Ranges:
    """A set of numbers: ascending ranges, first and last included, that neither overlap nor touch."""

    pairs: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Self:
        """Return the set of all numbers in any of the ranges."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(pairs):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    @classmethod
    def span(cls, first: int, last: int) -> Self:
        """Return the numbers from `first` to `last`; none where `last` comes before `first`."""
        return cls(((first, last),) if first <= last else ())

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __contains__(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self.pairs)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.pairs)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.pairs:
            yield from range(first, last + 1)

    def __or__(self, other: "Ranges") -> "Ranges":
        return Ranges.of((*self.pairs, *other.pairs)) if other.pairs else self

    def __and__(self, other: "Ranges") -> "Ranges":
        return Ranges(
            tuple(
                (max(first, start), min(last, end))
                for first, last in self.pairs
                for start, end in other.pairs
                if max(first, start) <= min(last, end)
            )
        )

    def __sub__(self, other: "Ranges") -> "Ranges":
        left = self.pairs
        for start, end in other.pairs:
            if left and start <= left[-1][1] and end >= left[0][0]:
                left = tuple(pair for whole in left for pair in _cut(whole, start, end))
        return Ranges(left)

    @property
    def lowest(self) -> int:
        """The lowest number; `IndexError` where there is none."""
        return self.pairs[0][0]

    @property
    def highest(self) -> int:
        """The highest number; 0 where there is none."""
        return self.pairs[-1][1] if self.pairs else 0

    def coarse(self, most: int) -> "Ranges":
        """Return at most `most` ranges that hold at least these numbers, closing the narrowest gaps."""
        pairs = list(self.pairs)
        while len(pairs) > most:
            at = min(range(len(pairs) - 1), key=lambda n: pairs[n + 1][0] - pairs[n][1])
            pairs[at : at + 2] = [(pairs[at][0], pairs[at + 1][1])]
        return Ranges(tuple(pairs))


def _cut(whole: tuple[int, int], start: int, end: int) -> Iterator[tuple[int, int]]:
    first, last = whole
    if end < first or start > last:
        yield whole
        return
    if first < start:
        yield first, start - 1
    if last > end:
        yield end + 1, last


NOTHING = Ranges()
