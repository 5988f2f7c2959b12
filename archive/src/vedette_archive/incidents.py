"""Reading incidents: lists of them a page at a time, and all that is known of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, tuple_
from vedette_schemas import Alert, IncidentStatus, Severity

from . import schema
from .commands import AnyRow, Ask
from .incident_books import incident, readable, status_of
from .incident_rows import Incident, Line, Step
from .rows import stored_alert
from .times import to_number, to_time

_TABLE = schema.incidents.c
_ONE = [*_TABLE]


class IncidentPage(NamedTuple):
    """Some incidents, and behind which one the next page begins; `None` where there is no more."""

    incidents: tuple[Incident, ...]
    after: "IncidentPlace | None"


class IncidentPlace(NamedTuple):
    """An incident's place in a list: by its score, or by its number alone."""

    score: int
    number: int


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Which incidents are wanted: those for which all holds that is named."""

    statuses: frozenset[IncidentStatus] = frozenset()
    host: str | None = None
    indicator: str | None = None
    owner: str | None = None
    score: int = 0
    since: datetime | None = None
    until: datetime | None = None


class Incidents:
    """The incidents of an archive."""

    def __init__(self, ask: Ask) -> None:
        """Ask the archive by this."""
        self._ask = ask

    def page(
        self,
        wanted: IncidentQuery | None = None,
        limit: int = 50,
        *,
        after: IncidentPlace | None = None,
        by_score: bool = False,
    ) -> IncidentPage:
        """Return the next of the incidents that are wanted: the newest first, or the highest score.

        `since` and `until` are about when the last alert came.
        """
        query = select(*_ONE).where(*_conditions(wanted or IncidentQuery())).limit(limit + 1)
        order = (_TABLE.score, _TABLE.number) if by_score else (_TABLE.number,)
        query = query.order_by(*(each.desc() for each in order))
        if after is not None:
            query = query.where(tuple_(*order) < tuple_(*(after if by_score else after[1:])))
        rows = self._ask(query)
        last = rows[limit - 1] if len(rows) > limit else None
        place = None if last is None else IncidentPlace(last.score, last.number)
        return IncidentPage(readable(rows[:limit]), place)

    def get(self, incident_id: UUID) -> Incident | None:
        """Return one; `None` where it is not known."""
        rows = self._ask(select(*_ONE).where(_TABLE.id == str(incident_id)))
        return next(iter(readable(rows)), None)

    def ids(self, beginning: str, limit: int = 5) -> list[UUID]:
        """Return ids of incidents that begin so."""
        query = select(_TABLE.id).where(_TABLE.id.startswith(beginning, autoescape=True)).order_by(_TABLE.id)
        return [UUID(name) for (name,) in self._ask(query.limit(limit))]

    def counts(self) -> dict[IncidentStatus, int]:
        """Return how many incidents stand how."""
        query = select(_TABLE.status, func.count()).group_by(_TABLE.status)
        found = dict.fromkeys(IncidentStatus, 0)
        for status, count in self._ask(query):
            found[status_of(status)] += int(count)
        return found

    def of_alerts(self, alert_ids: Iterable[UUID]) -> dict[UUID, Incident]:
        """Return the incident of each of the alerts that belongs to one."""
        members, names = schema.incident_alerts.c, [str(name) for name in alert_ids]
        query = (
            select(members.alert_id, *_ONE)
            .join(schema.incidents, _TABLE.number == members.incident)
            .where(members.alert_id.in_(names))
        )
        found = ((UUID(row[0]), incident(row[1:])) for row in self._ask(query))
        return {name: each for name, each in found if each is not None}

    def hosts(self, number: int, limit: int = 200) -> list[str]:
        """Return the hosts of an incident, by name."""
        table = schema.incident_hosts.c
        query = select(table.host).where(table.incident == number).order_by(table.host)
        return [str(host) for (host,) in self._ask(query.limit(limit))]

    def lines(self, number: int, limit: int = 200) -> list[Line]:
        """Return what happened in an incident, the latest first: repeats are one line."""
        table = schema.incident_lines.c
        query = (
            select(schema.incident_lines)
            .where(table.incident == number)
            .order_by(table.last_at.desc(), table.key)
        )
        return [_line(row) for row in self._ask(query.limit(limit))]

    def alerts(
        self, number: int, limit: int = 200, *, line: str | None = None, before: datetime | None = None
    ) -> list[Alert]:
        """Return the alerts of an incident, or of one line of it, newest first, as long as they are kept."""
        members, alerts = schema.incident_alerts.c, schema.alerts.c
        query = (
            select(alerts.body)
            .join(schema.incident_alerts, members.alert_id == alerts.id)
            .where(members.incident == number)
            .order_by(members.at.desc(), members.alert_id)
            .limit(limit)
        )
        if line is not None:
            query = query.where(members.key == line)
        if before is not None:
            query = query.where(members.at < to_number(before))
        return [stored_alert(body) for (body,) in self._ask(query)]

    def steps(self, number: int) -> list[Step]:
        """Return how an incident came to stand where it stands, oldest first."""
        table = schema.incident_steps.c
        query = select(table.at, table.who, table.status, table.owner, table.note)
        rows: Sequence[AnyRow] = self._ask(query.where(table.incident == number).order_by(table.step))
        return [
            Step(to_time(at), who, status_of(status), owner, note) for at, who, status, owner, note in rows
        ]


def _conditions(wanted: IncidentQuery) -> list[ColumnElement[bool]]:
    hosts = schema.incident_hosts.c
    found = [_TABLE.score >= wanted.score] if wanted.score else []
    if wanted.statuses:
        known = _TABLE.status.in_(sorted(wanted.statuses))
        unknown = _TABLE.status.not_in(sorted(IncidentStatus))
        found.append(or_(known, unknown) if IncidentStatus.OPEN in wanted.statuses else known)
    if wanted.host is not None:
        found.append(_TABLE.number.in_(select(hosts.incident).where(hosts.host == wanted.host)))
    if wanted.indicator is not None:
        found.append(_TABLE.indicator == wanted.indicator)
    if wanted.owner is not None:
        found.append(_TABLE.owner == wanted.owner)
    if wanted.since is not None:
        found.append(_TABLE.last_at >= to_number(wanted.since))
    if wanted.until is not None:
        found.append(_TABLE.opened_at < to_number(wanted.until))
    return found


def _line(row: AnyRow) -> Line:
    _, key, host, severity, detector, indicator, summary, count, first_at, last_at, alert_id = row
    return Line(
        key=key,
        host=host,
        severity=Severity(severity),
        detector=detector,
        indicator=indicator,
        summary=summary,
        count=count,
        first_at=to_time(first_at),
        last_at=to_time(last_at),
        alert_id=UUID(alert_id),
    )
