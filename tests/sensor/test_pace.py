"""How often something may happen."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from vedette_sensor.pace import Pace


@given(st.lists(st.floats(0, 3), max_size=200))
def test_whoever_rests_as_told_does_at_most_burst_and_pace_in_any_second(gaps: list[float]) -> None:
    now = 0.0
    pace = Pace(per_second=10, burst=10, clock=lambda: now)
    times: list[float] = []
    for gap in gaps:
        now += gap
        now += pace.spend()
        times.append(now)
    assert all(sum(at <= other < at + 1 for other in times) <= 20 for at in times)
    assert all(before <= after for before, after in pairwise(times))


def test_a_burst_may_be_at_once_and_a_rest_has_an_end() -> None:
    now = 0.0
    pace = Pace(per_second=10, burst=3, clock=lambda: now)
    assert [pace.spend() for _ in range(3)] == [0, 0, 0]
    assert not pace.rested()
    assert pace.spend(1_000_000) == 0.3
    now = 0.5
    assert pace.rested()
