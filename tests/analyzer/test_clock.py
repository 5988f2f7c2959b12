from datetime import timedelta

from vedette_analyzer.clock import Clock

from tests.messages import at


class Hands:
    day = seconds = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: at(self.day), lambda: self.seconds)

    def move(self, day: float, seconds: float) -> None:
        self.day += day
        self.seconds += seconds


def test_a_clock_that_is_set_is_noticed_and_one_that_drifts_is_not() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.move(10, 10)
    assert clock.look() == timedelta(0)
    hands.move(11, 10)
    assert clock.look() == timedelta(0)
    hands.move(-3590, 10)
    assert clock.look() == timedelta(hours=-1)
    assert (clock.now, clock.seconds) == (at(hands.day), 30)
    hands.move(1, 1)
    assert clock.look() == timedelta(0)


def test_between_two_looks_seconds_count_whatever_becomes_of_the_clock() -> None:
    """A command reckoned by a clock just set, and moved along at the next look, would be that far off."""
    hands = Hands()
    clock = hands.clock()
    hands.move(-3600, 2)
    assert clock.counted() == at(2)
    assert clock.look() == timedelta(seconds=-3602)
    assert clock.counted() == clock.now == at(-3600)
