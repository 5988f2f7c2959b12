"""Alerts about Vedette itself: what was lost, what can't be read, who is silent."""

from datetime import datetime
from uuid import uuid5

from vedette_schemas import SERVER, Action, Alert, Mode, Severity, State

from .telling import NAMESPACE


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
