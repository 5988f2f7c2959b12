"""Which incident an alert belongs to. Pure: what is known goes in, what changes comes out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from vedette_archive import Grouped, Incident, Known, Member, indicator_of, line_of
from vedette_schemas import Alert, IncidentStatus, Severity

WINDOW = timedelta(minutes=60)
"""As long after the last alert of an incident the next one belongs to it."""

LONGEST = timedelta(hours=24)
"""So long after its first alert an incident takes no more: what goes on is a new one each day."""

_NAMESPACE = UUID("c1a5f0d2-93a7-5b4e-8d0f-2b8e7f5d6a31")
_WEIGHT = {
    Severity.INFO: 0,
    Severity.LOW: 10,
    Severity.MEDIUM: 30,
    Severity.HIGH: 55,
    Severity.CRITICAL: 80,
}
_GRAVEST_LAST = list(Severity)


def group(alerts: Iterable[Alert], known: Known) -> Grouped:
    """Put alerts, in their order, into incidents that take them or into new ones.

    An alert goes to the incident of its indicator on several hosts, if there is one; else to its host's;
    else to another host's that is about nothing but its indicator, which then is that indicator's.
    What only informs belongs to none.
    """
    grouping = _Grouping(known)
    for alert in alerts:
        if alert.severity is not Severity.INFO:
            grouping.take(alert)
    return grouping.grouped()


def score(severity: Severity, lines: int, hosts: int) -> int:
    """Return how much an incident matters, up to 100: how grave it is, on how many hosts, how manifold."""
    return _WEIGHT[severity] + min(10, 2 * (lines - 1)) + min(10, 5 * (hosts - 1))


class _Grouping:
    def __init__(self, known: Known) -> None:
        self._incidents = {each.number: each for each in known.incidents}
        self._by_host, self._by_indicator = (
            defaultdict[str, list[int]](list),
            defaultdict[str, list[int]](list),
        )
        for each in known.incidents:
            self._find_later(each)
        self._lines, self._hosts = set(known.lines), set(known.hosts)
        self._next = known.next_number
        self._changed: dict[int, None] = {}
        self._members: list[Member] = []
        self._reopened: dict[int, Alert] = {}

    def take(self, alert: Alert) -> None:
        """Put one more alert into an incident."""
        before = self._home(alert)
        if before is None:
            before = _new(alert, self._next)
            self._next += 1
        elif before.status is not IncidentStatus.OPEN and _reopens(alert, before):
            self._reopened.setdefault(before.number, alert)
        now = self._joined(before, alert)
        self._incidents[now.number] = now
        self._find_later(now)
        self._changed[now.number] = None
        self._members.append(Member(alert, now.number, line_of(alert)))

    def grouped(self) -> Grouped:
        """Return what has changed."""
        incidents = tuple(self._incidents[number] for number in sorted(self._changed))
        reopened = tuple((self._incidents[number], alert) for number, alert in self._reopened.items())
        return Grouped(incidents, tuple(self._members), reopened)

    def _find_later(self, each: Incident) -> None:
        """Let an incident be found by what it is about; what it is about no longer, `_home` passes over."""
        if each.host is not None and each.number not in self._by_host[each.host]:
            self._by_host[each.host].append(each.number)
        if each.indicator is not None and each.number not in self._by_indicator[each.indicator]:
            self._by_indicator[each.indicator].append(each.number)

    def _home(self, alert: Alert) -> Incident | None:
        """Return the incident that takes an alert; of several the newest."""
        name = indicator_of(alert)
        of_host = [self._incidents[number] for number in reversed(self._by_host.get(alert.host, ()))]
        numbers = () if name is None else reversed(self._by_indicator.get(name, ()))
        same = [each for number in numbers if (each := self._incidents[number]).indicator == name]
        ways = (
            (each for each in same if each.host is None),
            (each for each in of_host if each.host == alert.host),
            (each for each in same if each.host is not None),
        )
        return next((each for way in ways for each in way if _takes(each, alert.at)), None)

    def _joined(self, before: Incident, alert: Alert) -> Incident:
        """Return an incident with one more alert."""
        is_graver = _rank(alert.severity) > _rank(before.severity) or not before.alerts
        lines = before.lines + self._is_new(self._lines, (before.number, line_of(alert)))
        hosts = before.hosts + self._is_new(self._hosts, (before.number, alert.host))
        severity = alert.severity if is_graver else before.severity
        is_again = before.number in self._reopened and before.status is not IncidentStatus.OPEN
        return replace(
            before,
            host=before.host if before.host == alert.host else None,
            indicator=before.indicator if before.indicator == indicator_of(alert) else None,
            last_at=max(before.last_at, alert.at),
            takes_until=min(max(before.takes_until, alert.at + WINDOW), before.ends_at),
            severity=severity,
            score=score(severity, lines, hosts),
            status=IncidentStatus.OPEN if is_again else before.status,
            hosts=hosts,
            lines=lines,
            alerts=before.alerts + 1,
            reopened=before.reopened + is_again,
            summary=alert.summary if is_graver else before.summary,
        )

    def _is_new(self, known: set[tuple[int, str]], pair: tuple[int, str]) -> bool:
        if pair in known:
            return False
        known.add(pair)
        return True


def _takes(incident: Incident, at: datetime) -> bool:
    """Tell whether an alert of this time belongs to it.

    One that would take alerts for too long yet was left by an analyzer whose clock was ahead.
    """
    return at <= incident.takes_until <= at + 2 * WINDOW


def _reopens(alert: Alert, incident: Incident) -> bool:
    """Tell whether an alert is news: any to what was resolved, a graver one to what was acknowledged."""
    was_resolved = incident.status is IncidentStatus.RESOLVED
    return was_resolved or _rank(alert.severity) > _rank(incident.severity)


def _new(alert: Alert, number: int) -> Incident:
    """Return an incident without alerts yet; its id follows from its first, which is always the same one."""
    return Incident(
        number=number,
        id=uuid5(_NAMESPACE, str(alert.id)),
        host=alert.host,
        indicator=indicator_of(alert),
        opened_at=alert.at,
        last_at=alert.at,
        takes_until=alert.at + WINDOW,
        ends_at=alert.at + LONGEST,
        severity=alert.severity,
        score=0,
        status=IncidentStatus.OPEN,
        owner="",
        hosts=0,
        lines=0,
        alerts=0,
        reopened=0,
        summary=alert.summary,
    )


def _rank(severity: Severity) -> int:
    return _GRAVEST_LAST.index(severity)
