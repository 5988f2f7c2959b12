"""Detectors by which alerts can be looked for."""

from datetime import datetime, timedelta

from vedette_archive import By, History

_DAYS = 30
_MOST = 100


def detectors(archive: History, now: datetime) -> list[str]:
    """Return the names of the detectors that have found something of late, at most a hundred."""
    return sorted(each.value for each in archive.top(By.DETECTOR, now - timedelta(days=_DAYS), now, _MOST))
