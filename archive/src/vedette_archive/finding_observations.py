"""The observations that a query asks for: arrivals, newest first, and what is in them."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, func, select, union_all
from vedette_schemas import Stream

from . import schema
from .commands import Question
from .errors import QueryError
from .query import INDEXED_LENGTH, OBSERVATION_TEXTS, Query, stands_as_it_is
from .rows import ArchivedObservation
from .searching import Asking, Candidate, Chunk, Page, Place, one_of, page, phrase
from .times import to_number, to_time

_FIRST_CHUNK, _LARGEST_CHUNK = 16, 512
"""Arrivals that are opened at once: few for a page that is soon full, more for a long way."""

_MOST = 2**63 - 1


def find_observations(ask: Asking, query: Query, after: Place | None, limit: int) -> Page:
    """Return a page of observations."""
    if after is not None and isinstance(after.minor, str):
        raise QueryError("after: a place among alerts, and observations are asked for")
    found = page(_chunks(ask, query, after), query, OBSERVATION_TEXTS, limit)
    return Page(
        observations=tuple(
            ArchivedObservation(
                to_time(each.at),
                Stream(each.row.principal, each.row.spool, each.row.kind),
                each.row.number,
                each.body,
            )
            for each in found.candidates
        ),
        next=found.next,
        reached=found.reached,
    )


def _chunks(ask: Asking, query: Query, after: Place | None) -> Iterator[Chunk]:
    first, last = _within(ask, query)
    if after is not None:
        last = min(last, after.major)
    length = _FIRST_CHUNK
    while first <= last:
        asked = union_all(*(each.limit(length).subquery().select() for each in _sources(query, first, last)))
        rows = sorted(ask(asked), key=lambda row: row.id, reverse=True)[:length]
        if rows:
            end = rows[-1]
            opened = _opened(ask, query, [row.id for row in rows])
            candidates = [each for each in opened if after is None or each.place < after]
            looked_at = sum(row.last - row.first + 1 for row in rows)
            yield Chunk(candidates, looked_at, Place(end.id, 0), end.received_at)
        if len(rows) < length:
            return
        last, length = rows[-1].id - 1, min(2 * length, _LARGEST_CHUNK)


def _within(ask: Asking, query: Query) -> tuple[int, int]:
    """Return the first and the last arrival that can have been received at a time that is asked for."""
    hours = schema.arrival_hours.c
    if query.since is None and query.until is None:
        return 1, _MOST
    asked = select(func.min(hours.first), func.max(hours.last))
    if query.since is not None:
        asked = asked.where(hours.hour >= to_number(query.since) // schema.HOUR)
    if query.until is not None:
        asked = asked.where(hours.hour <= to_number(query.until) // schema.HOUR)
    first, last = ask(asked)[0]
    return (1, 0) if first is None else (first, last)


def _sources(query: Query, first: int, last: int) -> list[Question]:
    """Return the queries of arrivals, newest first, each answered in that order by one index."""
    arrivals, streams, archive = schema.arrivals.c, schema.streams.c, schema.archive.c
    columns = (arrivals.id, arrivals.received_at, arrivals.first, arrivals.last)
    ids: Question = select(*columns).where(
        arrivals.id.between(first, last), *_at(query, arrivals.received_at)
    )
    if query.host:
        of_host = select(streams.id).where(
            *one_of(streams.host, query.host), *one_of(streams.kind, query.kind)
        )
        ids = ids.where(arrivals.stream_id.in_(of_host))
    newest = ids.order_by(arrivals.id.desc())
    if len(query.text) >= INDEXED_LENGTH:
        words = schema.arrival_words.c
        indexed = ids.join(schema.arrival_words, words.rowid == arrivals.id).where(
            words.arrival_words.op("MATCH")(phrase(query.text)), words.rowid.between(first, last)
        )
        kind = one_of(arrivals.kind, query.kind)
        newer = newest.where(arrivals.id > select(archive.indexed).scalar_subquery())
        return [indexed.where(*kind).order_by(words.rowid.desc()), newer.where(*kind)]
    if query.host or not query.kind:
        return [newest]
    return [newest.where(arrivals.kind == kind) for kind in query.kind]


def _at(query: Query, received_at: ColumnElement[int]) -> list[ColumnElement[bool]]:
    since = [] if query.since is None else [received_at >= to_number(query.since)]
    return since + ([] if query.until is None else [received_at < to_number(query.until)])


def _opened(ask: Asking, query: Query, ids: list[int]) -> Iterator[Candidate]:
    """Yield the observations of arrivals, newest first."""
    arrivals, streams, seen = schema.arrivals.c, schema.streams.c, schema.observations.c
    columns = (streams.principal, streams.spool, streams.kind, seen.number, seen.received_at, seen.body)
    asked = (
        select(arrivals.id, *columns)
        .join(schema.streams, streams.id == arrivals.stream_id)
        .join(
            schema.observations,
            (seen.stream_id == arrivals.stream_id) & seen.number.between(arrivals.first, arrivals.last),
        )
        .where(arrivals.id.in_(ids))
        .order_by(arrivals.id.desc(), seen.number.desc())
    )
    if stands_as_it_is(query.text):  # the database leaves out most rows, faster than we can
        asked = asked.where(seen.body.icontains(query.text, autoescape=True))
    for row in ask(asked):
        yield Candidate(Place(row.id, row.number), row.received_at, row.body, row)
