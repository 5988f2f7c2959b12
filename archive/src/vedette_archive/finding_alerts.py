"""The alerts that a query asks for."""

from collections.abc import Iterator

from sqlalchemy import func, select, tuple_

from . import schema
from .commands import Question
from .errors import QueryError
from .query import ALERT_TEXTS, INDEXED_LENGTH, Query
from .rows import stored_alert
from .searching import Asking, Candidate, Chunk, Page, Place, one_of, page, phrase
from .times import to_number

_A_CHUNK = 500
_FEW = 5_000
"""Alerts that hold a text, up to which they are looked up: where there are more, a page is soon full."""


def find_alerts(ask: Asking, query: Query, after: Place | None, limit: int) -> Page:
    """Return a page of alerts."""
    if after is not None and isinstance(after.minor, int):
        raise QueryError("after: a place among observations, and alerts are asked for")
    chunks = _chunks(ask, _keys(ask, query), after, _A_CHUNK if query.text else limit + 1)
    found = page(chunks, query, ALERT_TEXTS, limit)
    return Page(
        alerts=tuple(stored_alert(each.body) for each in found.candidates),
        next=found.next,
        reached=found.reached,
    )


def _keys(ask: Asking, query: Query) -> Question:
    """Return the query of the keys, which an index answers without reading an alert."""
    alerts = schema.alerts.c
    keys: Question = select(alerts.at, alerts.id).order_by(alerts.at.desc(), alerts.id.desc())
    if query.since is not None:
        keys = keys.where(alerts.at >= to_number(query.since))
    if query.until is not None:
        keys = keys.where(alerts.at < to_number(query.until))
    for column, values in (
        (alerts.host, query.host),
        (alerts.kind, query.kind),
        (alerts.severity, query.severity),
        (alerts.detector, query.detector),
        (alerts.indicator, query.indicator),
    ):
        keys = keys.where(*one_of(column, values))
    if len(query.text) < INDEXED_LENGTH:
        return keys
    words = schema.alert_words.c
    matches = words.alert_words.op("MATCH")(phrase(query.text))
    some = select(words.rowid).where(matches).limit(_FEW + 1).subquery()
    if ask(select(func.count()).select_from(some))[0][0] > _FEW:
        return keys
    return keys.join(schema.alert_words, words.rowid == alerts.sequence).where(matches)


def _chunks(ask: Asking, keys: Question, after: Place | None, length: int) -> Iterator[Chunk]:
    alerts = schema.alerts.c
    place = after
    while True:
        asked = keys.limit(length)
        if place is not None:
            asked = asked.where(tuple_(alerts.at, alerts.id) < tuple_(place.major, place.minor))
        found = [Place(at, name) for at, name in ask(asked)]
        rows = ask(select(alerts.id, alerts.body).where(alerts.id.in_([each.minor for each in found])))
        bodies = {row.id: row for row in rows}
        candidates = [
            Candidate(each, each.major, row.body, row)
            for each in found
            if (row := bodies.get(each.minor)) is not None
        ]
        if found:
            yield Chunk(candidates, len(found), found[-1], found[-1].major)
        if len(found) < length:
            return
        place = found[-1]
