from datetime import timedelta

import pytest
from vedette_analyzer.losses import LossAlerts
from vedette_analyzer.ration import Ration
from vedette_schemas import LOSS_DETECTORS, NOTHING, Principal, Ranges, Stream
from vedette_transport.delivery import (
    ArchiveWentBack,
    Dropped,
    Fact,
    LostWithArchive,
    Missing,
    Vanished,
    WentBack,
)

from tests.messages import NOON, SPOOL, at

SENSOR = Principal.parse("sensor@host-7")
WINDOW = Stream("sensor@host-7", SPOOL, "window")
SOME = Ranges.of([(1, 1), (3, 1_234)])
FACTS: list[tuple[Fact, str, str, str]] = [
    (Dropped(WINDOW, SOME), "dropped", "medium", "1,233 window observations (1, 3–1234) of sensor@host-7"),
    (Missing(WINDOW, SOME), "missing", "high", "nobody says why"),
    (
        Missing(WINDOW, Ranges.of([(7, 7)])),
        "missing",
        "high",
        "1 window observation (7) of sensor@host-7 is missing,",
    ),
    (LostWithArchive(WINDOW, SOME), "missing", "high", "former state of the archive"),
    (Vanished(WINDOW, NOTHING, 7), "spool-lost", "high", "after number 7, they are lost"),
    (
        WentBack(WINDOW, 5, 9),
        "spool-went-back",
        "high",
        "ends at window observation 4, but more came of it (up to 8)",
    ),
    (ArchiveWentBack(("e" * 16,)), "archive-went-back", "high", "restored from a backup"),
]


@pytest.mark.parametrize(("fact", "detector", "severity", "says"), FACTS)
def test_each_loss_is_told_in_words(fact: Fact, detector: str, severity: str, says: str) -> None:
    (alert,) = LossAlerts().alerts([fact], SENSOR, NOON)
    assert (alert.detector, alert.severity) == (detector, severity)
    assert says in alert.summary
    assert alert.host == ("0" if detector == "archive-went-back" else "host-7")
    assert (detector in LOSS_DETECTORS) == (detector != "archive-went-back")
    assert next(iter(LossAlerts().alerts([fact], SENSOR, at(9)))).id == alert.id, "told again it is the same"


def test_what_one_heartbeat_shows_of_many_streams_is_one_alert_a_sort() -> None:
    facts = [Missing(Stream("sensor@host-7", f"{n:016x}", "window"), SOME) for n in range(64)]
    told = list(LossAlerts().alerts([*facts, Dropped(WINDOW, SOME)], SENSOR, NOON))
    assert [alert.detector for alert in told] == ["missing", "dropped"]
    assert told[0].summary.endswith("the same holds for 63 more of its streams")


def test_a_host_that_tells_of_losses_without_end_leads_to_few_alerts() -> None:
    losses = LossAlerts()
    told = [alert for n in range(1000) for alert in losses.alerts([FACTS[0][0]], SENSOR, at(n / 10))]
    assert len(told) == 10
    (late,) = losses.alerts([FACTS[0][0]], SENSOR, at(601))
    assert "990 more like this were held back" in late.summary
    assert len(list(losses.alerts([FACTS[0][0]], Principal.parse("sensor@host-8"), at(1)))) == 1


def test_a_ration_is_not_fooled_by_a_clock_that_is_set_back() -> None:
    ration = Ration(1, timedelta(minutes=1))
    assert ration.take("a", at(3600)) == 0
    assert ration.take("a", at(3601)) is None
    assert ration.take("a", at(0)) == 1
