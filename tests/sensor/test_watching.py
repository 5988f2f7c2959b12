"""What sources tell of themselves."""

import logging

import pytest
from vedette_sensor import watching
from vedette_sensor.watching import Watch


def test_each_change_is_told_once_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told: list[tuple[str, str]] = []
    watch = Watch("window", lambda source, words: told.append((source, words)), "half of them")
    for _ in range(3):
        watch.on("events")
    for _ in range(3):
        watch.off("the display went away")
    assert told == [("window", "on: events, half of them"), ("window", "off: the display went away")]
    assert len(caplog.records) == 2


def test_a_source_that_waits_too_long_is_told_and_so_is_its_coming_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    watch = Watch("window", lambda _, words: told.append(words))
    watch.on("events")
    with watch.asking():
        watch.check()
        assert told == ["on: events"]
        monkeypatch.setattr(watching, "PATIENCE", -1.0)
        watch.check()
        watch.check()
    watch.check()
    assert told == ["on: events", "off: no answer from the display", "on: events"]
