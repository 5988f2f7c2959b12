"""Incidents as they are written and read."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from vedette_schemas import Alert, IncidentStatus, Severity


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts that belong together: of one host, or where `host` is `None` of one indicator on several.

    `indicator` (`type|value`) is the one that all of them share, if they do. `summary` is that of the first
    of its gravest alerts. Alerts join until `takes_until`, which is never beyond `ends_at`; both move when
    the server's clock is set. `lines` counts different things that happened, `alerts` all of them.
    `number` rises with each incident.
    """

    number: int
    id: UUID
    host: str | None
    indicator: str | None
    opened_at: datetime
    last_at: datetime
    takes_until: datetime
    ends_at: datetime
    severity: Severity
    score: int
    status: IncidentStatus
    owner: str
    hosts: int
    lines: int
    alerts: int
    reopened: int
    summary: str


class Member(NamedTuple):
    """An alert, the number of its incident, and the line of that which it repeats or begins."""

    alert: Alert
    incident: int
    line: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before alerts are grouped: which incidents may take them, and what of theirs is not new.

    `lines` and `hosts` are pairs with an incident's number. `next_number` is the next incident's.
    """

    next_number: int = 1
    incidents: tuple[Incident, ...] = ()
    lines: frozenset[tuple[int, str]] = frozenset()
    hosts: frozenset[tuple[int, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Grouped:
    """What grouping leads to: incidents as they are now, alerts in them, and which alert reopened which."""

    incidents: tuple[Incident, ...] = ()
    members: tuple[Member, ...] = ()
    reopened: tuple[tuple[Incident, Alert], ...] = ()


@dataclass(frozen=True, slots=True)
class Triaged:
    """What an operator said of incidents; `None` leaves a status or an owner as it is."""

    incidents: tuple[UUID, ...]
    who: str
    at: datetime
    status: IncidentStatus | None = None
    owner: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What happened in an incident, and how often; `alert_id` is the newest of these alerts."""

    key: str
    host: str
    severity: Severity
    detector: str
    indicator: str | None
    summary: str
    count: int
    first_at: datetime
    last_at: datetime
    alert_id: UUID


class Step(NamedTuple):
    """Where an incident stood from then on, by whom."""

    at: datetime
    who: str
    status: IncidentStatus
    owner: str
    note: str
