from collections.abc import Iterable
from itertools import count

import pytest
from vedette_analyzer.presence import Presence
from vedette_schemas import Alert, Life, Principal

from tests import messages

NUMBERS = count(1)
SENSOR, ENFORCER = "sensor@host-7", "enforcer@host-7"


class Watch:
    def __init__(self) -> None:
        self.presence = Presence()
        self.told: list[tuple[float, str]] = []

    def heard(
        self, second: float, *programs: str, life: Life = Life.RUNNING, connection: str = "a" * 16
    ) -> None:
        for program in programs:
            status = messages.status(program, second, life=life, connection=connection, number=next(NUMBERS))
            self._tell(second, self.presence.heard(status, second, messages.at(second)))

    def until(self, begin: float, end: float) -> None:
        for second in range(int(begin), int(end) + 1):
            self._tell(second, self.presence.tick(second, messages.at(second)))

    def _tell(self, second: float, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            self.told.append((second, alert.summary))


@pytest.fixture
def watch() -> Watch:
    found = Watch()
    found.heard(0, SENSOR)
    found.heard(29, ENFORCER)
    return found


def test_a_host_that_beats_is_not_told_of(watch: Watch) -> None:
    for beat in range(30, 600, 30):
        watch.heard(beat, SENSOR)
        watch.until(beat, beat + 29)
        watch.heard(beat + 29, ENFORCER)
    assert watch.told == []


def test_a_host_that_falls_silent_is_told_once_within_100_seconds_and_when_it_is_back(watch: Watch) -> None:
    watch.until(30, 1000)
    ((second, words),) = watch.told
    assert second <= 29 + 100
    assert words.startswith("host-7 has been silent for 66 s")
    watch.heard(1001, SENSOR, connection="b" * 16)
    watch.heard(1002, ENFORCER, connection="b" * 16)
    watch.until(1003, 1030)
    assert [words for _, words in watch.told[1:]] == ["host-7 is back after 16 min"]


def test_a_host_whose_wills_come_late_is_told_within_100_seconds(watch: Watch) -> None:
    watch.until(30, 74)
    watch.heard(75, SENSOR, ENFORCER, life=Life.GONE)
    watch.until(75, 129)
    ((_, words),) = watch.told
    assert "host-7 has been silent" in words


def test_a_host_that_stopped_in_order_is_not_told_of(watch: Watch) -> None:
    watch.heard(40, SENSOR, ENFORCER, life=Life.STOPPED)
    watch.heard(41, SENSOR, ENFORCER, life=Life.GONE)
    watch.until(41, 1000)
    assert watch.told == []


@pytest.mark.parametrize(("life", "how"), [(Life.STOPPED, "was stopped"), (Life.GONE, "is gone")])
def test_a_program_that_ends_while_its_host_goes_on_is_told_once(watch: Watch, life: Life, how: str) -> None:
    watch.heard(40, SENSOR, life=life)
    for beat in range(59, 600, 30):
        watch.heard(beat, ENFORCER)
        watch.until(beat, beat + 29)
    ((second, words),) = watch.told
    assert second == 59
    assert words.startswith(f"{SENSOR} {how}")
    watch.heard(600, SENSOR, connection="b" * 16)
    assert watch.told[-1] == (600, f"{SENSOR} is back")


def test_a_program_that_is_started_anew_is_not_told_of(watch: Watch) -> None:
    watch.heard(40, SENSOR, life=Life.STOPPED)
    watch.heard(42, SENSOR, connection="b" * 16)
    watch.heard(42, SENSOR, life=Life.GONE)  # the will of the old connection
    watch.heard(59, ENFORCER)
    watch.until(59, 60)
    assert watch.told == []


def test_a_program_that_hangs_while_its_host_goes_on_is_told(watch: Watch) -> None:
    for beat in range(59, 200, 30):
        watch.heard(beat, ENFORCER)
        watch.until(beat, beat + 29)
    ((_, words),) = watch.told
    assert words.startswith(f"{SENSOR} is gone")


def test_silence_while_nobody_could_be_heard_is_forgiven(watch: Watch) -> None:
    watch.presence.listening_again(500)
    watch.until(500, 565)
    assert watch.told == []
    watch.until(566, 570)
    assert len(watch.told) == 1


def test_a_host_that_fell_silent_while_no_analyzer_ran_is_told() -> None:
    watch = Watch()
    watch.presence.restore(Principal.parse(SENSOR), Life.RUNNING, 0)
    watch.presence.restore(Principal.parse("sensor@host-8"), Life.STOPPED, 0)
    watch.until(0, 70)
    assert [words for _, words in watch.told] == ["host-7 has been silent for 66 s"]


@pytest.mark.parametrize("life", [Life.RUNNING, Life.GONE])
def test_a_farewell_is_believed_though_its_connection_was_never_heard(watch: Watch, life: Life) -> None:
    """The broker was away: what was heard last is the old connection's heartbeat, or its will."""
    watch.heard(30, SENSOR, ENFORCER, life=life)
    watch.heard(31, SENSOR, ENFORCER, life=Life.STOPPED, connection="b" * 16)
    watch.until(31, 1000)
    assert watch.told == []
