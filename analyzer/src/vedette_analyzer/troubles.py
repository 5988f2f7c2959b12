"""Alerts about Vedette itself: what was lost, what can't be read, who is silent."""

from datetime import datetime
from uuid import uuid5

from vedette_schemas import (
    SERVER,
    Action,
    Alert,
    Mode,
    Principal,
    Ranges,
    Severity,
    State,
    Stream,
)
from vedette_transport.delivery import (
    ArchiveWentBack,
    Dropped,
    Fact,
    LostWithArchive,
    Missing,
    Vanished,
    WentBack,
)

from .telling import NAMESPACE

_SHOWN = 5
"""Ranges that an alert spells out."""


def trouble(
    detector: str, severity: Severity, summary: str, *, now: datetime, host: str = SERVER, name: str = ""
) -> Alert:
    """Return an alert about Vedette itself; under the same `name` it is the same alert."""
    return Alert(
        id=uuid5(NAMESPACE, f"{host}|{detector}|{name or now.isoformat()}"),
        state=State.FINAL,
        at=now,
        host=host,
        severity=severity,
        detector=detector,
        summary=summary[:1000],
        mode=Mode.ENFORCE,
        action=Action.ALERT,
        done="alerted",
    )


def alert_about(fact: Fact, principal: Principal, now: datetime) -> Alert:
    """Return the alert about something that reconciliation has found; told again it is the same one."""
    match fact:
        case Dropped(stream, numbers):
            detector, severity = "dropped", Severity.MEDIUM
            words = f"{_some(stream, numbers)} of {principal} were dropped: it had no room to keep them"
        case Missing(stream, numbers):
            detector, severity = "missing", Severity.HIGH
            words = f"{_some(stream, numbers)} of {principal} are missing, and nobody says why"
        case LostWithArchive(stream, numbers):
            detector, severity = "missing", Severity.HIGH
            words = f"{_some(stream, numbers)} of {principal} were lost with a former state of the archive"
        case Vanished(stream, missing, after):
            detector, severity = "spool-lost", Severity.HIGH
            words = f"{principal} no longer knows what {stream.kind} observations it had: its spool was lost"
            words += f"; {_some(stream, missing)} are missing" if missing else ""
            words += f"; if there were any after number {after}, they are lost"
        case WentBack(stream, following, known):
            detector, severity = "spool-went-back", Severity.HIGH
            words = (
                f"the spool of {principal} ends at {stream.kind} observation {following - 1}, but more came "
                f"of it (up to {known - 1}): its disk was copied, or restored from a backup"
            )
        case ArchiveWentBack(epochs):
            detector, severity = "archive-went-back", Severity.HIGH
            words = (
                f"{principal} was told that observations are archived by a state of the archive which it no "
                f"longer has ({', '.join(epochs)}): it was restored from a backup, or replaced"
            )
    host = SERVER if isinstance(fact, ArchiveWentBack) else principal.host
    return trouble(detector, severity, words, now=now, host=host, name=f"{principal}|{fact}")


def _some(stream: Stream, numbers: Ranges) -> str:
    shown = ", ".join(
        f"{first}–{last}" if first < last else str(first) for first, last in numbers.pairs[:_SHOWN]
    )
    more = ", …" if len(numbers.pairs) > _SHOWN else ""
    return f"{len(numbers):,} {stream.kind} observations ({shown}{more})"
