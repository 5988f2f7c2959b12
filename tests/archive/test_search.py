import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_archive import (
    Batch,
    Events,
    History,
    Page,
    Query,
    QueryError,
    Retention,
    Run,
    Writer,
    check,
    searching,
)
from vedette_archive.query import folded
from vedette_schemas import Alert, Kind, Match, Observation, Origin, Severity, State, Stream, Where, encode

from tests.archive.found import all_alerts, all_observations, searched_alerts, searched_observations
from tests.archive.history import alert
from tests.messages import NOON, SPOOL, at, clipboard, connection, started, window

HOSTS = ("host-1", "host-2", "host-3")
KINDS = (Kind.WINDOW, Kind.CLIPBOARD, Kind.PROCESS, Kind.CONNECTION)
TEXTS = (
    "Report – Editor",
    "REPORT \0 hidden \\u0000",
    'say "hi" 50%_ * -x',
    "ÜBER Straße",
    "ab",
    "https://evil.test/a?b=c",
    "\u202egnp.exe\n=1+1",
)
NEEDLES = (
    "",
    "a",
    "ab",
    "rep",
    "hidden",
    '"hi"',
    "50%_",
    "über s",
    "\\u0000",
    "\0",
    ".test/",
    "E\n=",
    "x" * 9,
)


def query(**fields: Any) -> Query:
    return Query.of(fields)


def observations(kind: Kind, text: str, host: str, first: int, count: int, second: float) -> Run:
    match kind:
        case Kind.WINDOW:
            one: Observation = window(title=text)
        case Kind.CLIPBOARD:
            one = clipboard(text)
        case Kind.CONNECTION:
            one = connection(host=text)
        case _:
            one = started()
    stream = Stream(f"sensor@{host}", SPOOL, kind)
    return Run(stream, first, count, at(second), f"[{','.join([encode(one).decode()] * count)}]")


def told(number: int, host: str, severity: Severity, text: str, second: float, **changes: Any) -> Alert:
    found = Match(
        type="url", value=f"evil-{number % 3}", subject=text, where=Where.TEXT, list="a.csv", line=1
    )
    origin = Origin(principal=f"sensor@{host}", spool=SPOOL, kind=KINDS[number % 4], number=1, excerpt=text)
    fields = {"host": host, "severity": severity, "at": at(second), "summary": "listed"} | changes
    return alert(number, detector=f"detector-{number % 2}", match=found, origin=origin, **fields)


@contextmanager
def archive(path: Path) -> Generator[tuple[Writer, History]]:
    with Writer(path) as writer, History(path) as history:
        yield writer, history


def ids(page: Page) -> list[int]:
    return [each.id.int for each in page.alerts]


hours = st.integers(0, 80).map(lambda half: half * 1800.0)
queries = st.fixed_dictionaries(
    {},
    optional={
        "since": st.integers(0, 40).map(lambda half: NOON + timedelta(minutes=30 * half)),
        "until": st.integers(41, 80).map(lambda half: NOON + timedelta(minutes=30 * half)),
        "host": st.lists(st.sampled_from(HOSTS), max_size=2),
        "kind": st.lists(st.sampled_from(KINDS), max_size=2),
        "text": st.sampled_from(NEEDLES),
    },
)
of_alerts = st.fixed_dictionaries(
    {},
    optional={
        "severity": st.lists(st.sampled_from(list(Severity)), max_size=2),
        "detector": st.lists(st.sampled_from(["detector-0", "detector-1"]), max_size=2),
        "indicator": st.lists(st.sampled_from(["evil-0", "evil-1", "good"]), max_size=2),
    },
)
runs = st.lists(
    st.tuples(
        st.sampled_from(KINDS), st.sampled_from(TEXTS), st.sampled_from(HOSTS), st.integers(1, 30),
        st.integers(1, 12), hours,
    ),
    max_size=12,
)  # fmt: skip
alerts = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(HOSTS), st.sampled_from(list(Severity)),
              st.sampled_from(TEXTS), hours),
    max_size=15,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(runs, st.integers(0, 9), queries, st.integers(1, 7), st.integers(0, 45), st.data())
def test_a_search_finds_what_looking_at_every_observation_finds(
    stored: list[Any], indexed: int, asked: dict[str, Any], limit: int, days: int, data: st.DataObject
) -> None:
    wanted = query(events=Events.OBSERVATIONS, **asked)
    with tempfile.TemporaryDirectory() as folder, archive(Path(folder) / "a.db") as (writer, history):
        path = Path(folder) / "a.db"
        for each in stored:
            writer.store(Batch(runs=(observations(*each),)))
        writer.index_words(indexed)
        for _ in range(data.draw(st.integers(0, 3))):
            writer.remove_expired(
                Retention(), NOON + timedelta(days=days), step=data.draw(st.integers(1, 20))
            )
        found = searched_observations(history, wanted, limit)
        assert len(found) == len(set(found))
        assert set(found) == all_observations(path, wanted)
        assert check(path) == []


@settings(max_examples=60, deadline=None)
@given(alerts, queries, of_alerts, st.integers(1, 7), st.booleans())
def test_a_search_finds_what_looking_at_every_alert_finds(
    stored: list[Any], asked: dict[str, Any], further: dict[str, Any], limit: int, expired: bool
) -> None:
    wanted = query(**asked, **further)
    with tempfile.TemporaryDirectory() as folder, archive(Path(folder) / "a.db") as (writer, history):
        path = Path(folder) / "a.db"
        for each in stored:
            writer.store(Batch(alerts=(told(*each),)))
        if expired:
            writer.remove_expired(Retention(), NOON + timedelta(days=365, hours=20), step=5)
        assert searched_alerts(history, wanted, limit) == all_alerts(path, wanted)
        assert check(path) == []


def test_pages_stay_as_they_are_while_more_comes(path: Path) -> None:
    with archive(path) as (writer, history):
        writer.store(Batch(alerts=tuple(told(n, "host-1", Severity.HIGH, "x", n) for n in range(1, 8))))
        first = history.search(query(), limit=3)
        writer.store(Batch(alerts=(told(9, "host-1", Severity.HIGH, "x", 99),)))
        second = history.search(query(), first.next, 3)
        third = history.search(query(), second.next, 3)
        assert [ids(first), ids(second), ids(third)] == [[7, 6, 5], [4, 3, 2], [1]]
        assert third.next is None
        assert ids(history.search(query(), limit=1)) == [9]


def test_an_alert_is_found_by_its_newest_text_alone(path: Path) -> None:
    pending = told(1, "host-1", Severity.HIGH, "x", 1, state=State.PENDING, done="ending it")
    with archive(path) as (writer, history):
        writer.store(Batch(alerts=(pending,)))
        writer.store(Batch(alerts=(pending.model_copy(update={"state": State.FINAL, "done": "gone now"}),)))
        assert ids(history.search(query(text="GONE"))) == [1]
        assert ids(history.search(query(text="ending it"))) == []


def test_a_page_that_looked_at_much_says_how_far_it_came(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_LOOKED_AT", 20)
    with archive(path) as (writer, history):
        for number in range(20):
            writer.store(Batch(runs=(observations(Kind.WINDOW, "needle" if number == 0 else "hay", "a",
                                                  1 + 10 * number, 10, number),)))  # fmt: skip
        wanted = query(events=Events.OBSERVATIONS, text="ne")
        page = history.search(wanted)
        assert (page.observations, page.reached) != ((), None)
        assert page.next is not None
        assert len(searched_observations(history, wanted, 3)) == 10


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"colour": "red"}, "there is no 'colour' to search by"),
        ({"host": ["UP"]}, "host: give a host's name: lower-case letters"),
        ({"kind": ["smell"]}, "kind: input should be 'window'"),
        ({"since": "yesterday"}, "since: write it as 2026-01-31"),
        ({"since": "20260131"}, "since: write it as 2026-01-31"),  # not the 20,260,131st second of 1970
        ({"until": 20260131}, "until: write it as 2026-01-31"),
        ({"since": "2026-02-31"}, "since: input should be a valid datetime"),
        ({"since": NOON, "until": NOON}, "since must lie before until"),
        ({"text": "x" * 201}, "text: string should have at most 200"),
        ({"events": "observations", "severity": ["high"]}, "severity belongs to alerts"),
    ],
)
def test_what_makes_no_sense_is_said(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        Query.of(fields)


@pytest.mark.parametrize("after", ["", "x", "1", "1.-", "9" * 30 + ".1", "1.2.3", "١.١"])
@pytest.mark.parametrize("events", list(Events))
def test_a_place_that_no_page_named_is_refused(path: Path, events: Events, after: str) -> None:
    with archive(path) as (_, history), pytest.raises(QueryError, match="after: "):
        history.search(query(events=events), after)


@pytest.mark.parametrize("events", list(Events))
def test_a_place_of_the_other_sort_is_refused(path: Path, events: Events) -> None:
    place = "1.2" if events is Events.ALERTS else f"1.{UUID(int=1)}"
    with archive(path) as (_, history), pytest.raises(QueryError, match="after: a place among"):
        history.search(query(events=events), place)


@pytest.mark.parametrize("limit", [0, -1, 1_001])
def test_a_page_is_bounded(path: Path, limit: int) -> None:
    with archive(path) as (_, history), pytest.raises(QueryError, match="1 to 1,000"):
        history.search(query(), limit=limit)


@given(queries, of_alerts)
def test_an_address_says_the_whole_query(asked: dict[str, Any], further: dict[str, Any]) -> None:
    wanted = query(**asked, **further)
    assert Query.read(wanted.pairs()) == wanted


def test_a_time_without_a_zone_is_utc_and_empty_fields_ask_for_nothing() -> None:
    read = Query.read(
        [("since", "2026-11-20"), ("until", "2026-11-21T01:00:00+01:00"), ("host", ""), ("text", "")]
    )
    assert read == query(since=datetime(2026, 11, 20, tzinfo=UTC), until=datetime(2026, 11, 21, tzinfo=UTC))


def test_case_makes_no_difference_where_the_index_makes_none(path: Path) -> None:
    changed = [letter for letter in map(chr, range(0x0590)) if folded(letter) != letter]
    assert len(changed) > 400
    with archive(path) as (writer, history):
        text = "".join(f"<{letter}>" for letter in changed)
        writer.store(Batch(alerts=(alert(1, summary=text[:900]), alert(2, summary=text[900:]))))
        for letter in changed:
            assert history.search(query(text=f"<{folded(letter)}>")).alerts, hex(ord(letter))


def test_a_search_of_an_archive_of_nothing_finds_nothing(path: Path) -> None:
    with archive(path) as (_, history):
        for events in Events:
            assert history.search(query(events=events, text="abc", since=NOON)) == Page()
        assert history.search(query(), after=f"1.{UUID(int=1)}") == Page()


def test_pages_of_what_was_closed_meanwhile_end_in_silence(path: Path) -> None:
    with archive(path) as (writer, history):
        writer.store(Batch(alerts=tuple(told(n, "host-1", Severity.HIGH, "x", n) for n in range(1, 8))))
        pages = history.pages(query(), limit=3)
        next(pages)
        history.close()
        pages.close()


def test_all_pages_are_as_of_one_moment(path: Path) -> None:
    with archive(path) as (writer, history):
        writer.store(Batch(alerts=tuple(told(n, "host-1", Severity.HIGH, "x", n) for n in range(1, 8))))
        pages = history.pages(query(), limit=3)
        found = ids(next(pages))
        writer.store(
            Batch(alerts=(told(2, "host-1", Severity.HIGH, "x", 99), told(9, "a", Severity.LOW, "x", 0)))
        )
        assert found + [number for page in pages for number in ids(page)] == [7, 6, 5, 4, 3, 2, 1]
        assert ids(history.search(query(), limit=1)) == [2]
        with pytest.raises(QueryError):
            next(history.pages(query(), limit=0))
        history.search(query())
