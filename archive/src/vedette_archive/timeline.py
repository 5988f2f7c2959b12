"""What happened in an incident and around it, over all sensors, in one order."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from vedette_schemas import Alert, Severity

from .history import History
from .incident_rows import Incident, Step
from .query import MOST_VALUES, Query
from .reader import Reader
from .rows import ArchivedCommand, ArchivedObservation

AROUND = timedelta(seconds=30)
"""As long before and after an alert what its host reported is shown."""

_MOST_OF_ONE_ALERT = 20
_MOST_SPANS = 20


class Moment(NamedTuple):
    """Something that happened, by the server's clock, on which host (of a step: on none)."""

    at: datetime
    host: str
    what: Alert | ArchivedCommand | ArchivedObservation | Step


def timeline(
    reader: Reader, history: History, incident: Incident, limit: int = 200, *, around: timedelta = AROUND
) -> list[Moment]:
    """Return what happened, oldest first: alerts, commands and their ends, acts, what hosts reported then.

    `limit` bounds the alerts: the last ones. What is not kept any more is not there.
    """
    alerts = reader.incidents.alerts(incident.number, limit)
    told = {alert.id: alert for alert in (*_informing(reader, history, incident, limit), *alerts)}
    moments = [Moment(alert.at, alert.host, alert) for alert in told.values()]
    moments += (Moment(step.at, "", step) for step in reader.incidents.steps(incident.number))
    moments += _commands(reader, {alert.command_id for alert in told.values() if alert.command_id})
    reported = {
        (seen.what.stream, seen.what.number): seen
        for seen in (*_reported(history, alerts, around), *moments)
        if isinstance(seen.what, ArchivedObservation)
    }
    others = (each for each in moments if not isinstance(each.what, ArchivedObservation))
    return sorted((*reported.values(), *others), key=lambda each: (each.at, each.host))


def _informing(reader: Reader, history: History, incident: Incident, limit: int) -> Iterable[Alert]:
    """Return what else was told of the hosts: above all what operators did there."""
    query = Query(
        since=incident.opened_at,
        until=incident.takes_until,
        host=tuple(reader.incidents.hosts(incident.number, MOST_VALUES)),
        severity=(Severity.INFO,),
    )
    return history.search(query, limit=limit).alerts


def _commands(reader: Reader, names: Iterable[UUID]) -> Iterator[Moment]:
    """Yield what was ordered, and what the hosts answered."""
    for name in names:
        command = reader.command(name)
        if command is not None:
            host = command.audience.rpartition("@")[2]
            yield Moment(command.issued_at, host, command)
            outcome = reader.outcome(name)
            if outcome is not None:
                yield Moment(outcome.received_at, host, outcome)


def _reported(history: History, alerts: Iterable[Alert], around: timedelta) -> Iterator[Moment]:
    """Yield what hosts reported about when they were alerted of."""
    for host, since, until in list(_spans(alerts, around))[:_MOST_SPANS]:
        query = Query.of({"events": "observations", "host": [host], "since": since, "until": until})
        for each in history.search(query, limit=_MOST_OF_ONE_ALERT).observations:
            yield Moment(each.received_at, host, each)


def _spans(alerts: Iterable[Alert], around: timedelta) -> Iterator[tuple[str, datetime, datetime]]:
    """Yield the times about alerts, newest first: those of one host that lie in one are one."""
    since: dict[str, datetime] = {}
    for alert in alerts:
        if alert.host not in since or alert.at < since[alert.host]:
            since[alert.host] = alert.at - around
            yield alert.host, alert.at - around, alert.at + around
