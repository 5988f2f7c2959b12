"""Writing incidents within the transaction that stores their alerts: a few statements for many alerts."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from vedette_schemas import ANALYZER, Alert, IncidentStatus, Severity

from .chain import Entry, any_text, append
from .incident_rows import Grouped, Incident, Known, Member, Triaged
from .times import to_number, to_time

_NAMES = [each.name for each in fields(Incident)]
_EXTRACTED = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(_NAMES)))
# One of the same id, left over where what it held is gone, makes room.
_WRITE = (
    f"INSERT OR REPLACE INTO incidents ({', '.join(_NAMES)}) SELECT {_EXTRACTED} "  # noqa: S608 - our own words
    "FROM json_each(?) WHERE true"
)
_READ = (
    f"SELECT {', '.join(_NAMES)} FROM incidents WHERE number IN ("  # noqa: S608 - our own words
    "SELECT number FROM json_each(?1) CROSS JOIN incidents ON host = value WHERE takes_until >= ?3 "
    "UNION SELECT number FROM json_each(?2) CROSS JOIN incidents ON indicator = value "
    "WHERE takes_until >= ?3) ORDER BY number"
)
_LINES = (
    "INSERT INTO incident_lines (incident, key, host, severity, detector, indicator, summary, count, "
    "first_at, last_at, alert_id) SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), "
    "json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'), "
    "json_extract(value, '$[5]'), json_extract(value, '$[6]'), 1, json_extract(value, '$[7]'), "
    "json_extract(value, '$[7]'), json_extract(value, '$[8]') FROM json_each(?) WHERE true "
    "ON CONFLICT DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at), "
    "alert_id = excluded.alert_id"
)
_MEMBERS = (
    "INSERT INTO incident_alerts (incident, key, at, alert_id) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]'), json_extract(value, '$[7]'), json_extract(value, '$[8]') "
    "FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
)
_HOSTS = (
    "INSERT INTO incident_hosts (incident, host) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[2]') FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
)
_STEP = (
    "INSERT INTO incident_steps (incident, step, at, who, status, owner, note) SELECT number, "
    "(SELECT count(*) + 1 FROM incident_steps WHERE incident = number), ?2, ?3, status, owner, ?4 "
    "FROM incidents WHERE number = ?1"
)

_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_NAMES, int),
    **dict.fromkeys(("id", "severity", "status", "owner", "summary"), str),
    **dict.fromkeys(("host", "indicator"), (str, type(None))),
}

_ANALYZER = str(ANALYZER)

Group = Callable[[Iterable[Alert], Known], Grouped]
"""Decides which incidents alerts belong to."""


class IncidentBooks:
    """Incidents while a transaction is open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write through `connection`, in the transaction that is open on it."""
        self._connection = connection

    def take(self, alerts: Sequence[Alert], group: Group) -> Grouped:
        """Put alerts into the incidents that `group` says; one that is in an incident stays there."""
        if not alerts:
            return Grouped()
        some = [*{alert.id: alert for alert in reversed(alerts)}.values()][::-1]
        held = self._one_column("incident_alerts", "alert_id", [str(alert.id) for alert in some])
        some = [alert for alert in some if str(alert.id) not in held]
        if not some:
            return Grouped()
        grouped = group(some, self._known(some))
        self._write(grouped)
        return grouped

    def triage(self, said: Triaged) -> None:
        """Write what an operator said of incidents; of those that are not known nothing is written."""
        for name in said.incidents:
            changed = self._connection.execute(
                "UPDATE incidents SET status = ifnull(?1, status), owner = ifnull(?2, owner) WHERE id = ?3 "
                "RETURNING number",
                (said.status, said.owner, str(name)),
            ).fetchall()
            for (number,) in changed:
                self._connection.execute(_STEP, (number, to_number(said.at), said.who, said.note))

    def clock_moved(self, by: timedelta, before: datetime) -> None:
        """Let what takes alerts at that time, by the clock as it was, take them for as long as it would."""
        query = (
            "UPDATE incidents SET takes_until = takes_until + ?1, ends_at = ends_at + ?1 "
            "WHERE takes_until >= ?2"
        )
        self._connection.execute(query, (by // timedelta(microseconds=1), to_number(before)))

    def _known(self, alerts: Sequence[Alert]) -> Known:
        hosts = sorted({alert.host for alert in alerts})
        indicators = sorted({name for alert in alerts if (name := indicator_of(alert)) is not None})
        earliest = to_number(min(alert.at for alert in alerts))
        asked = (json.dumps(hosts), json.dumps(indicators), earliest)
        with any_text(self._connection):
            rows = self._connection.execute(_READ, asked).fetchall()
        incidents = readable(rows)  # what somebody has made something else of takes no more alerts
        pairs = list(_pairs(alerts, incidents))
        lines = sorted({(number, line_of(alert)) for number, alert in pairs})
        on = sorted({(number, alert.host) for number, alert in pairs})
        query = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'incidents'), 0) + 1"
        following = int(self._connection.execute(query).fetchall()[0][0])
        return Known(
            following, incidents, self._there("lines", "key", lines), self._there("hosts", "host", on)
        )

    def _write(self, grouped: Grouped) -> None:
        incidents = json.dumps([_values(each) for each in grouped.incidents])
        members = json.dumps([_member(each) for each in grouped.members])
        self._connection.execute(_WRITE, (incidents,))
        for statement in (_LINES, _MEMBERS, _HOSTS):
            self._connection.execute(statement, (members,))
        for each, alert in grouped.reopened:
            words = f"reopened by alert {alert.id}"
            self._connection.execute(_STEP, (each.number, to_number(alert.at), _ANALYZER, words))
        if grouped.reopened:
            append(self._connection, (_reopened(each, alert) for each, alert in grouped.reopened))

    def _there(self, table: str, column: str, pairs: Sequence[tuple[int, str]]) -> frozenset[tuple[int, str]]:
        """Return those of the pairs that an incident's lines or hosts have."""
        query = (
            f"SELECT t.incident, t.{column} FROM json_each(?) CROSS JOIN incident_{table} t "  # noqa: S608
            f"ON t.incident = json_extract(value, '$[0]') AND t.{column} = json_extract(value, '$[1]')"
        )
        return frozenset(self._connection.execute(query, (json.dumps(pairs),)).fetchall())

    def _one_column(self, table: str, column: str, values: Sequence[str]) -> set[str]:
        query = f"SELECT {column} FROM json_each(?) CROSS JOIN {table} ON {column} = value"  # noqa: S608
        return {str(found) for (found,) in self._connection.execute(query, (json.dumps(values),)).fetchall()}


def indicator_of(alert: Alert) -> str | None:
    """Return what names the indicator that an alert is about."""
    return None if alert.match is None else _text(f"{alert.match.type}|{alert.match.value}")


def line_of(alert: Alert) -> str:
    """Return what names the line of an incident that an alert repeats or begins: it holds no words."""
    return json.dumps([alert.host, alert.detector, indicator_of(alert)])


def _pairs(alerts: Iterable[Alert], incidents: Iterable[Incident]) -> Iterator[tuple[int, Alert]]:
    """Yield each alert with the number of each incident that it might join: by its host, or its indicator."""
    by_host, by_indicator = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for each in incidents:
        if each.host is not None:
            by_host[each.host].append(each.number)
        if each.indicator is not None:
            by_indicator[each.indicator].append(each.number)
    for alert in alerts:
        name = indicator_of(alert)
        for number in {*by_host.get(alert.host, ()), *(by_indicator.get(name, ()) if name else ())}:
            yield number, alert


def incident(row: Sequence[Any]) -> Incident | None:
    """Return an incident from its columns, in the order of its fields.

    Somebody may have written anything there by hand. A status that is none counts as open, since nobody has
    dealt with it; where all else is none, it is `None`.
    """
    values = dict(zip(_NAMES, row, strict=True))
    if not all(isinstance(value, _KINDS[name]) for name, value in values.items()):
        return None
    try:
        "".join(text for text in values.values() if isinstance(text, str)).encode()  # no text is a ValueError
        for name in ("opened_at", "last_at", "takes_until", "ends_at"):
            values[name] = to_time(values[name])
        values |= {"id": UUID(values["id"]), "severity": Severity(values["severity"])}
    except (ValueError, OverflowError):
        return None
    values["status"] = status_of(values["status"])
    return Incident(**values)


def readable(rows: Iterable[Sequence[Any]]) -> tuple[Incident, ...]:
    """Return the incidents of those rows that are some."""
    return tuple(found for row in rows if (found := incident(row)) is not None)


def unreadable_incidents(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a sentence about each incident that somebody has made something else of."""
    query = f"SELECT {', '.join(_NAMES)} FROM incidents ORDER BY number"  # noqa: S608 - our own words
    with any_text(connection):
        for row in connection.execute(query):
            if incident(row) is None:
                yield f"incident {row[1]!r}: its row is none of an incident; it is not shown"


def status_of(text: str) -> IncidentStatus:
    """Return where an incident stands; what nobody of ours has written counts as open."""
    return IncidentStatus(text) if text in set(IncidentStatus) else IncidentStatus.OPEN


def _values(each: Incident) -> list[object]:
    return [_value(getattr(each, name)) for name in _NAMES]


def _value(value: object) -> object:
    if isinstance(value, datetime):
        return to_number(value)
    if isinstance(value, UUID):
        return str(value)
    return _text(value) if isinstance(value, str) else value


def _member(each: Member) -> list[object]:
    alert = each.alert
    return [
        each.incident,
        each.line,
        alert.host,
        alert.severity,
        alert.detector,
        indicator_of(alert),
        _text(alert.summary),
        to_number(alert.at),
        str(alert.id),
    ]


def _text(text: str) -> str:
    """Return a text without NULs: SQLite takes one for the end of it."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _reopened(each: Incident, alert: Alert) -> Entry:
    return Entry(
        alert.at,
        _ANALYZER,
        "incident.reopened",
        f"alert {alert.id} reopened it: {alert.summary}",
        host=alert.host,
        about=str(each.id),
    )
