import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Ranges

NUMBERS = st.sets(st.integers(1, 30))


def ranges(numbers: set[int]) -> Ranges:
    return Ranges.of((number, number) for number in numbers)


@given(NUMBERS, NUMBERS)
def test_ranges_do_as_sets_do(one: set[int], other: set[int]) -> None:
    assert set(ranges(one) | ranges(other)) == one | other
    assert set(ranges(one) & ranges(other)) == one & other
    assert set(ranges(one) - ranges(other)) == one - other
    assert len(ranges(one)) == len(one)
    assert all((number in ranges(one)) == (number in one) for number in range(32))
    assert bool(ranges(one)) == bool(one)
    assert ranges(one).highest == max(one, default=0)


@given(NUMBERS, NUMBERS)
def test_equal_sets_are_equal_ranges(one: set[int], other: set[int]) -> None:
    assert (ranges(one) == ranges(other)) == (one == other)
    for result in (ranges(one) | ranges(other), ranges(one) & ranges(other), ranges(one) - ranges(other)):
        assert result == ranges(set(result))


@given(NUMBERS, st.integers(1, 5))
def test_coarse_ranges_are_few_and_leave_nothing_out(numbers: set[int], most: int) -> None:
    coarse = ranges(numbers).coarse(most)
    assert len(coarse.pairs) <= most
    assert numbers <= set(coarse)
    assert coarse.highest == max(numbers, default=0)


def test_the_narrowest_gaps_close_first() -> None:
    assert Ranges.of([(1, 2), (4, 5), (9, 9)]).coarse(2) == Ranges.of([(1, 5), (9, 9)])


def test_there_is_no_lowest_of_nothing() -> None:
    with pytest.raises(IndexError):
        _ = Ranges().lowest
