"""Whose certificates are revoked, and whether the list of them is kept current."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from vedette_archive import Entry
from vedette_schemas import CA, Alert, Severity
from vedette_transport.revocation import Revocations

from .troubles import trouble

_STALE = timedelta(days=2)
"""The CA signs its list each day."""


class Revoked:
    """The CA's list, where there is one."""

    def __init__(self, crl: Path | None, ca: Path) -> None:
        """Read the list; raise `SettingsError` where it can't be used."""
        self._list = Revocations(crl, ca) if crl else None
        self._told: date | None = None

    def __contains__(self, serial: int) -> bool:
        return self._list is not None and serial in self._list.serials

    def tick(self, now: datetime) -> Iterator[Alert | Entry]:
        """Read the list again if it has changed, and say what is new; once a day, say that it is old."""
        if self._list is None:
            return
        before = self._list.serials
        if self._list.refresh():
            for serial in sorted(self._list.serials - before):
                words = f"certificate {serial:x} is revoked"
                yield Entry(now, str(CA), "certificate.revoked", words, facts={"serial": f"{serial:x}"})
        if now - self._list.issued_at > _STALE and self._told != now.date():
            self._told = now.date()
            when = f"{self._list.issued_at:%Y-%m-%d %H:%M} UTC"
            words = (
                f"the list of revoked certificates is of {when}: is 'vedette ca serve' running?"
                " Nobody is locked out, but nobody can be revoked"
            )
            yield trouble("revocations", Severity.MEDIUM, words, now=now, name=str(self._told))
