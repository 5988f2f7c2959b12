"""The CA's list of what is revoked, as the analyzer reads it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from vedette_analyzer.revoked import Revoked
from vedette_archive import Entry
from vedette_console.ca.certificates import Revoked as Listed
from vedette_schemas import Alert

from tests import identities
from tests.messages import NOON, at

Sign = Callable[[datetime, int], None]


@pytest.fixture
def crl(tmp_path: Path) -> tuple[Path, Path, Sign]:
    authority, ca, path = identities.authority(), tmp_path / "ca.pem", tmp_path / "crl.pem"
    ca.write_bytes(authority.public())

    def sign(now: datetime, count: int) -> None:
        path.write_bytes(authority.revocations([Listed(serial, now) for serial in range(1, count + 1)], now))

    sign(NOON, 1)
    return path, ca, sign


def test_what_is_revoked_from_now_on_is_put_down(crl: tuple[Path, Path, Sign]) -> None:
    path, ca, sign = crl
    revoked = Revoked(path, ca)
    assert list(revoked.tick(at(1))) == []
    sign(at(2), 3)
    found = list(revoked.tick(at(3)))
    assert [entry.words for entry in found if isinstance(entry, Entry)] == [
        "certificate 2 is revoked",
        "certificate 3 is revoked",
    ]
    assert 3 in revoked
    assert list(revoked.tick(at(4))) == []


def test_a_list_that_nobody_signs_any_more_is_told_once_a_day(crl: tuple[Path, Path, Sign]) -> None:
    path, ca, _ = crl
    revoked = Revoked(path, ca)
    later = NOON + timedelta(days=3)
    (alert,) = revoked.tick(later)
    assert isinstance(alert, Alert)
    assert "is 'vedette ca serve' running?" in alert.summary
    assert list(revoked.tick(later + timedelta(hours=1))) == []


def test_where_there_is_no_list_nothing_is_revoked(tmp_path: Path) -> None:
    assert list(Revoked(None, tmp_path).tick(NOON)) == []
