"""What operators are told of what was found in the archive; nothing else is done about it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID, uuid5

from vedette_archive import Hidden
from vedette_schemas import Action, Alert, Mode, Severity, State

from ..policy import Guarded, too_common
from ..suppressing import hidden
from ..suppressions import Suppressions
from ..telling import NAMESPACE, match_of
from ..troubles import trouble
from ..words import day_and_time
from .said import Ended, Hit


def name_of(hit: Hit) -> UUID:
    """Return the id of the alert about a hit: one a host and entry, however often it is hunted for."""
    return uuid5(NAMESPACE, f"found later|{hit.host}|{hit.finding.indicator}")


def found_later(
    hit: Hit, mode: Mode, guarded: Guarded | None, suppressions: Suppressions, now: datetime
) -> Iterator[Alert | Hidden]:
    """Yield the alert about a hit, hidden where it is suppressed."""
    alert = alert_of(hit, mode, guarded, now)
    by = suppressions.hiding(hit.finding, hit.host, now)
    yield alert if by is None else hidden(alert, by)


def alert_of(hit: Hit, mode: Mode, guarded: Guarded | None, now: datetime) -> Alert:
    """Return the alert about a hit."""
    finding = hit.finding
    common = None if guarded is None else too_common(finding, guarded)
    return Alert(
        id=name_of(hit),
        state=State.FINAL,
        at=now,
        host=hit.host,
        severity=hit.severity,
        detector=finding.detector,
        summary=finding.summary[:1000],
        mode=mode,
        action=Action.ALERT,
        done=f"found in the archive: {_when(hit)}{f'; {common}' if common else ''}"[:1000],
        technique=finding.technique,
        match=match_of(finding),
        origin=hit.origin,
        found_later=hit.found,
    )


def untold(ended: Ended, now: datetime) -> Iterator[Alert]:
    """Yield the alert about what was too much to be told one by one, if there was more."""
    if ended.untold:
        words = (
            f"what is listed now is all over the archive: {ended.hits} times an entry would have been told of"
            f" on a host, and {ended.untold} of them are not told one by one. Does a list hold what everybody"
            " visits? 'vedette indicators check' tells, 'vedette hunt' finds them all"
        )
        yield trouble("hunt", Severity.MEDIUM, words, now=now)


def _when(hit: Hit) -> str:
    found = hit.found
    if found.count == 1:
        return f"seen at {day_and_time(found.last_seen_at)}"
    first, last = day_and_time(found.first_seen_at), day_and_time(found.last_seen_at)
    return f"seen {found.count} times, first at {first}, last at {last}"
