from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from vedette_archive import Range, Ranges

NUMBERS = st.sets(st.integers(1, 40))


def ranges(numbers: set[int]) -> Ranges:
    return Ranges(Range(number, number) for number in numbers)


def numbers(found: Ranges) -> set[int]:
    return {number for first, last in found for number in range(first, last + 1)}


@given(NUMBERS)
def test_ranges_hold_the_numbers_they_were_made_of(made_of: set[int]) -> None:
    found = ranges(made_of)
    assert numbers(found) == made_of == {number for number in range(50) if number in found}
    assert found.count == len(made_of)
    assert bool(found) == bool(made_of)


@given(NUMBERS)
def test_ranges_never_touch(made_of: set[int]) -> None:
    found = list(ranges(made_of))
    assert all(before.last + 1 < after.first for before, after in pairwise(found))


@given(NUMBERS, NUMBERS)
def test_ranges_join_and_part_like_sets(one: set[int], other: set[int]) -> None:
    assert ranges(one) | ranges(other) == ranges(one | other)
    assert ranges(one) - ranges(other) == ranges(one - other)
