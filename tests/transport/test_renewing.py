"""When a certificate is renewed, and what a program does about it; the real CA is in tests/console."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_transport.renewing import Renewer, due
from vedette_transport.settings import Address

from tests import brokers, identities

DAY = timedelta(days=1)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = Address(host="127.0.0.1", port=9)


@given(st.floats(0, 200))
def test_it_is_due_from_two_thirds_of_its_life(days: float) -> None:
    assert due(BEGIN, BEGIN + 90 * DAY, BEGIN + days * DAY) == (days * DAY >= 60 * DAY)


def test_one_that_is_new_is_left_alone(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), "sensor@host-8", tmp_path / "sensor")
    renewer = Renewer(found, NOBODY)
    assert 1_800 <= renewer.step() <= 3_600
    assert renewer.facts == {"certificate": f"on: until {found.ends_at:%Y-%m-%d}"}


def test_a_ca_that_is_not_there_is_a_fact_and_asked_less_and_less_often(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca = identities.authority()
    found = identities.identity(ca, "sensor@host-8", tmp_path / "sensor", ago=70 * DAY)
    renewer = Renewer(found, Address(host="127.0.0.1", port=brokers.free_port()))
    waits = [renewer.step() for _ in range(12)]
    assert 30 <= waits[0] <= 60
    assert 3 * 3_600 <= waits[-1] <= 6 * 3_600
    assert "not renewed: can't reach the CA at 127.0.0.1" in renewer.facts["certificate"]
    assert len([line for line in caplog.messages if "can't be renewed" in line]) == 1


def test_one_that_somebody_else_has_renewed_is_taken(tmp_path: Path) -> None:
    ca = identities.authority()
    found = identities.identity(ca, "sensor@host-8", tmp_path / "sensor", ago=70 * DAY)
    renewer = Renewer(found, NOBODY)
    identities.write(ca, "sensor@host-8", tmp_path / "sensor")
    assert renewer.step() >= 1_800
    assert "not renewed" not in renewer.facts["certificate"]


def test_the_thread_ends_when_told_to(tmp_path: Path) -> None:
    found = identities.identity(identities.authority(), "sensor@host-8", tmp_path / "sensor")
    threads, renewer = threading.active_count(), Renewer(found, NOBODY)
    renewer.start()
    assert threading.active_count() == threads + 1
    renewer.stop()
    assert threading.active_count() == threads
