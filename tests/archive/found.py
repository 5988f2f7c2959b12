"""What a search must find, by looking at every row: slow, and plain to see that it is right."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from vedette_archive import History, Query
from vedette_archive.query import ALERT_TEXTS, OBSERVATION_TEXTS, Events
from vedette_schemas import Alert, decode_alert

Name = tuple[str, str, str, int]
"""Principal, spool, kind and number of an observation."""


def texts(value: object, names: tuple[str, ...]) -> list[str]:
    if isinstance(value, list):
        return [text for each in cast("list[object]", value) for text in texts(each, names)]
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        own = [each for name, each in fields.items() if name in names and isinstance(each, str)]
        return own + [text for each in fields.values() for text in texts(each, names)]
    return []


def fits(query: Query, at: int, host: str, kind: str | None, body: str, names: tuple[str, ...]) -> bool:
    needle = query.text.lower()
    return (
        (query.since is None or at >= query.since.timestamp() * 1e6)
        and (query.until is None or at < query.until.timestamp() * 1e6)
        and (not query.host or host in query.host)
        and (not query.kind or kind in query.kind)
        and any(
            needle in text.replace("\0", "\N{REPLACEMENT CHARACTER}").lower()
            for text in (texts(json.loads(body), names) if needle else [""])
        )
    )


def all_alerts(path: Path, query: Query) -> list[Alert]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT at, host, body FROM alerts ORDER BY at DESC, id DESC").fetchall()
    found = [
        alert
        for at, host, body in rows
        if (alert := decode_alert(body.encode()))
        and fits(query, at, host, alert.origin.kind if alert.origin else None, body, ALERT_TEXTS)
    ]
    return [
        alert
        for alert in found
        if (not query.severity or alert.severity in query.severity)
        and (not query.detector or alert.detector in query.detector)
        and (not query.indicator or (alert.match is not None and alert.match.value in query.indicator))
    ]


def all_observations(path: Path, query: Query) -> set[Name]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT s.principal, s.spool, s.kind, o.number, o.received_at, s.host, o.body "
            "FROM observations o JOIN streams s ON s.id = o.stream_id"
        ).fetchall()
    return {
        tuple(name)
        for *name, at, host, body in rows
        if fits(query, at, host, name[2], body, OBSERVATION_TEXTS)
    }


def searched_alerts(history: History, query: Query, limit: int) -> list[Alert]:
    found: list[Alert] = []
    after = None
    while True:
        page = history.search(query, after, limit)
        assert len(page.alerts) <= limit
        found += page.alerts
        if (after := page.next) is None:
            return found


def searched_observations(history: History, query: Query, limit: int) -> list[Name]:
    assert query.events is Events.OBSERVATIONS
    found: list[Name] = []
    after = None
    while True:
        page = history.search(query, after, limit)
        assert len(page.observations) <= limit
        found += [
            (each.stream.principal, each.stream.spool, each.stream.kind, each.number)
            for each in page.observations
        ]
        if (after := page.next) is None:
            return found
