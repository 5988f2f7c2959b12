"""The audit's chain: nothing can be changed in it without being found."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_archive.chain import (
    AuditQuery,
    Entry,
    Head,
    HeadError,
    append,
    create,
    cut,
    digest,
    due,
    head,
    rows,
)
from vedette_archive.schema.audited import TRIGGERS
from vedette_archive.verifying import verify

from tests.messages import NOON, at

COLUMNS = ["number", "at", "who", "what", "host", "about", "words", "facts", "before", "hash"]
DAY = timedelta(days=1)


def entry(number: int, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "at": at(number),
        "who": "operator@anna",
        "what": "act.undo",
        "words": f"deed {number}",
        "host": "host-7",
        "about": f"id-{number}",
        "facts": {"n": number},
    }
    return Entry(**(fields | changes))


def chain(length: int = 0) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create(connection)
    append(connection, [entry(number) for number in range(1, length + 1)])
    return connection


def without_triggers(connection: sqlite3.Connection) -> None:
    for trigger in TRIGGERS:
        connection.execute(f"DROP TRIGGER {trigger.split()[2]}")


def with_triggers(connection: sqlite3.Connection) -> None:
    for trigger in TRIGGERS:
        connection.execute(trigger)


def faults(connection: sqlite3.Connection, *noted: Head) -> list[str]:
    return [fault.words for fault in verify(connection, noted).faults]


@pytest.fixture
def ten() -> Iterator[sqlite3.Connection]:
    with closing(chain(10)) as connection:
        yield connection


@pytest.fixture
def opened(ten: sqlite3.Connection) -> sqlite3.Connection:
    """A chain that somebody works on who has taken the triggers away, and puts them back."""
    without_triggers(ten)
    return ten


def test_a_chain_that_nobody_touched_is_whole(ten: sqlite3.Connection) -> None:
    found = verify(ten)
    assert (found.rows, found.cut, found.head, found.faults) == (10, 0, head(ten), ())


def test_a_new_chain_is_whole_and_its_first_row_is_number_1() -> None:
    with closing(chain()) as connection:
        assert verify(connection).faults == ()
        assert head(connection) == (0, "")
        assert append(connection, [entry(1)]) == head(connection) == verify(connection).head
        assert [row.number for row in rows(connection)] == [1]


def test_what_was_put_down_is_read_again(ten: sqlite3.Connection) -> None:
    (row,) = rows(ten, limit=1)
    assert (row.at, row.who, row.what, row.words) == (at(10), "operator@anna", "act.undo", "deed 10")
    assert (row.host, row.about, row.facts, row.number) == ("host-7", "id-10", {"n": 10}, 10)
    assert row.hash == head(ten).hash


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET words = 'nothing' WHERE number = 4",
        "DELETE FROM audit WHERE number = 4",
        "DELETE FROM audit",
        "INSERT INTO audit SELECT 12, at, who, what, host, about, words, facts, before, hash FROM audit",
        "UPDATE audit_ends SET number = 9",
        "UPDATE audit_ends SET cut = 11",
        "DELETE FROM audit_ends",
    ],
)
def test_a_program_that_errs_can_change_nothing(ten: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="the audit is"):
        ten.execute(statement)
    assert faults(ten) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE audit SET words = 'nothing' WHERE number = 4", ["row 4 was changed"]),
        ("UPDATE audit SET at = 0 WHERE number = 1", ["row 1 was changed"]),
        ("UPDATE audit SET who = CAST(x'ff' AS TEXT) WHERE number = 10", ["row 10 was changed"]),
        ("UPDATE audit SET who = x'ff' WHERE number = 10", ["row 10 was changed"]),
        ("UPDATE audit SET at = 1.5 WHERE number = 3", ["row 3 was changed"]),
        ("DELETE FROM audit WHERE number = 4", ["row 4 is missing"]),
        ("DELETE FROM audit WHERE number BETWEEN 3 AND 5", ["rows 3 to 5 are missing"]),
        ("DELETE FROM audit WHERE number = 1", ["row 1 is missing"]),
        ("DELETE FROM audit WHERE number > 7", ["rows 8 to 10 are missing"]),
        ("DELETE FROM audit", ["rows 1 to 10 are missing"]),
        (
            "UPDATE audit_ends SET cut = 4, cut_hash = (SELECT hash FROM audit WHERE number = 4)",
            ["the chain begins behind row 4, and no row says that it was cut there"],
        ),
        ("DELETE FROM audit_ends", ["where the chain ends is not noted any more"]),
        ("UPDATE audit_ends SET number = 'ten'", ["where the chain ends is not noted any more"]),
        ("UPDATE audit_ends SET hash = x'00'", ["where the chain ends is not noted any more"]),
        (
            "INSERT INTO audit SELECT 11, at, who, what, host, about, words, facts, before, hash FROM audit"
            " WHERE number = 4",
            ["row 11 was moved here: it is row 4", "the chain ends with row 10, but there is a row 11"],
        ),
    ],
)
def test_what_was_done_to_a_chain_is_said(
    opened: sqlite3.Connection, statement: str, found: list[str]
) -> None:
    opened.execute(statement)
    with_triggers(opened)
    assert faults(opened) == found


def test_two_rows_that_changed_places_are_said(opened: sqlite3.Connection) -> None:
    for before, after in ((3, 99), (8, 3), (99, 8)):
        opened.execute("UPDATE audit SET number = ? WHERE number = ?", (after, before))
    with_triggers(opened)
    assert faults(opened) == ["row 3 was moved here: it is row 8", "row 8 was moved here: it is row 3"]


def rewrite(connection: sqlite3.Connection, number: int, words: str) -> None:
    """Change a row and give it the hash of what it says now."""
    row = connection.execute("SELECT * FROM audit WHERE number = ?", (number,)).fetchone()
    content = (*row[:6], words, *row[7:9])
    query = "UPDATE audit SET words = ?, hash = ? WHERE number = ?"
    connection.execute(query, (words, digest(content), number))


def test_a_row_that_was_given_a_new_hash_does_not_fit_the_next(opened: sqlite3.Connection) -> None:
    rewrite(opened, 4, "nothing")
    with_triggers(opened)
    assert faults(opened) == ["row 5 doesn't follow on row 4: one of them is not the one that was"]


def test_the_last_row_is_known_by_the_end_that_is_noted(opened: sqlite3.Connection) -> None:
    rewrite(opened, 10, "nothing")
    with_triggers(opened)
    assert faults(opened) == ["row 10 is not the one that was written last"]


def test_triggers_that_were_taken_away_are_missed(opened: sqlite3.Connection) -> None:
    (words,) = faults(opened)
    assert words.startswith("what keeps rows from being changed was taken away: audit_in_order, ")


def test_a_head_that_was_noted_elsewhere_shows_what_agrees_with_itself(opened: sqlite3.Connection) -> None:
    noted, old = head(opened), Head(4, rows(opened, AuditQuery(below=5), limit=1)[0].hash)
    opened.execute("DELETE FROM audit WHERE number > 5")
    end = opened.execute("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    opened.execute("UPDATE audit_ends SET number = ?, hash = ?", end)
    with_triggers(opened)
    assert faults(opened, old) == [], "the chain alone can't know"
    assert faults(opened, noted) == ["row 10 was noted and is not there: the end of the chain was taken away"]
    append(opened, [entry(number, words="nothing") for number in range(6, 15)])
    assert faults(opened, old, noted) == [
        "row 10 is not the one that was noted: it, or one before it, was written anew"
    ]


def test_a_head_is_read_as_it_is_written(ten: sqlite3.Connection) -> None:
    assert Head.parse(f" {head(ten)}\n") == head(ten)
    for text in ("", "10", "10:abc", f"x:{'0' * 64}", f"10:{'g' * 64}"):
        with pytest.raises(HeadError, match="NUMBER:HASH"):
            Head.parse(text)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TAMPERED = st.one_of(
    st.tuples(st.just("set"), st.integers(1, 10), st.sampled_from(COLUMNS[1:]), TEXTS | st.integers(0, 9)),
    st.tuples(st.just("delete"), st.integers(1, 10), st.just(""), st.just("")),
    st.tuples(st.just("swap"), st.integers(1, 10), st.just(""), st.integers(1, 10)),
    st.tuples(st.just("insert"), st.integers(1, 11), st.sampled_from(COLUMNS[1:]), TEXTS),
)


def tamper(connection: sqlite3.Connection, how: str, number: int, column: str, value: Any) -> None:
    match how:
        case "set":
            connection.execute(f"UPDATE audit SET {column} = ? WHERE number = ?", (value, number))
        case "delete":
            connection.execute("DELETE FROM audit WHERE number = ?", (number,))
        case "swap":
            for before, after in ((number, 99), (value, number), (99, value)):
                connection.execute("UPDATE audit SET number = ? WHERE number = ?", (after, before))
        case _:  # a row more, and all behind it one number further
            for each in range(19, number - 1, -1):
                connection.execute("UPDATE audit SET number = number + 1 WHERE number = ?", (each,))
            row = list(connection.execute("SELECT * FROM audit LIMIT 1").fetchone())
            row[0], row[COLUMNS.index(column)] = number, value
            connection.execute(f"INSERT INTO audit VALUES ({', '.join('?' * len(row))})", row)


def content(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM audit ORDER BY number").fetchall()


@given(st.lists(TAMPERED, min_size=1, max_size=3))
def test_whatever_is_done_to_the_rows_is_found(deeds: list[tuple[str, int, str, Any]]) -> None:
    with closing(chain(10)) as connection:
        before = content(connection)
        without_triggers(connection)
        for deed in deeds:
            tamper(connection, *deed)
        with_triggers(connection)
        assert bool(faults(connection)) == (content(connection) != before)


@given(st.lists(st.builds(entry, st.integers(0, 9), who=TEXTS, words=TEXTS, host=TEXTS), max_size=9))
def test_any_text_can_be_put_down(entries: list[Entry]) -> None:
    with closing(chain()) as connection:
        append(connection, entries)
        assert verify(connection).faults == ()
        assert [row.words for row in reversed(rows(connection))] == [each.words for each in entries]


def test_lone_surrogates_and_long_texts_are_put_down_as_they_can_be() -> None:
    with closing(chain()) as connection:
        append(connection, [entry(1, who="\ud800", words="x" * 5_000)])
        (row,) = rows(connection)
        assert (row.who, len(row.words)) == ("?", 1_000)
        assert verify(connection).faults == ()


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (AuditQuery(), [4, 3, 2, 1]),
        (AuditQuery(who="operator@ben"), [2]),
        (AuditQuery(what="act"), [4, 2, 1]),
        (AuditQuery(what="act.undo"), [4, 1]),
        (AuditQuery(what="ac"), []),
        (AuditQuery(host="host-8"), [3]),
        (AuditQuery(about="id-2"), [2]),
        (AuditQuery(about="ID-"), [4, 3, 2, 1]),
        (AuditQuery(about="d-2"), []),
        (AuditQuery(text="DEED 4"), [4]),
        (AuditQuery(text="%"), []),
        (AuditQuery(since=at(2), until=at(4)), [3, 2]),
        (AuditQuery(below=3), [2, 1]),
        (AuditQuery(what="act", below=4), [2, 1]),
    ],
)
def test_rows_are_found_by_what_is_asked(query: AuditQuery, numbers: list[int]) -> None:
    with closing(chain()) as connection:
        some = (
            entry(1),
            entry(2, who="operator@ben", what="act.order"),
            entry(3, what="analyzer.started", host="host-8"),
            entry(4),
        )
        append(connection, some)
        assert [row.number for row in rows(connection, query)] == numbers
        assert [row.number for row in rows(connection, query, limit=1)] == numbers[:1]


def aged() -> sqlite3.Connection:
    """Return a chain with a row a day: the first of 20 days ago."""
    connection = chain()
    append(connection, [entry(n, at=NOON - timedelta(days=20 - n)) for n in range(20)])
    return connection


def test_what_is_too_old_is_cut_off_and_the_rest_is_whole() -> None:
    with closing(aged()) as connection:
        limit = NOON - 10 * DAY
        assert due(connection, limit)
        assert [cut(connection, limit, NOON, step=4) for _ in range(4)] == [4, 4, 2, 0]
        assert not due(connection, limit)
        assert [row.number for row in rows(connection)] == list(range(21, 10, -1))
        found = verify(connection, [Head(3, "0" * 64)])
        assert (found.rows, found.cut) == (11, 10)
        assert [fault.words for fault in found.faults] == [
            "row 3 was noted, but it is older than rows are kept: it can't be compared"
        ]


def test_between_two_steps_of_a_cut_the_chain_is_whole_and_shows_nothing_of_the_old() -> None:
    with closing(aged()) as connection:
        cut(connection, NOON - 10 * DAY, NOON, step=4)
        assert faults(connection) == []
        assert min(row.number for row in rows(connection)) == 11


def test_it_is_cut_again_and_again_and_not_for_a_few_hours() -> None:
    with closing(aged()) as connection:
        assert cut(connection, NOON - 10 * DAY, NOON, step=99) == 10
        assert not due(connection, NOON - 9.5 * DAY)
        assert cut(connection, NOON - 5 * DAY, NOON, step=99) == 5
        assert faults(connection) == []
        assert verify(connection).cut == 15


def test_of_a_chain_of_nothing_but_old_rows_it_is_left_that_it_was_cut() -> None:
    with closing(aged()) as connection:
        assert cut(connection, NOON + 90 * DAY, NOON + 90 * DAY, step=99) == 20
        assert [(row.number, row.what) for row in rows(connection)] == [(21, "audit.cut")]
        assert faults(connection) == []


def test_an_empty_chain_has_nothing_to_cut() -> None:
    with closing(chain()) as connection:
        assert not due(connection, NOON)
        assert cut(connection, NOON, NOON, step=9) == 0


def test_whoever_cuts_more_than_retention_did_is_found() -> None:
    with closing(aged()) as connection:
        cut(connection, NOON - 10 * DAY, NOON, step=99)
        fourteen = connection.execute("SELECT hash FROM audit WHERE number = 14").fetchone()[0]
        without_triggers(connection)
        connection.execute("UPDATE audit_ends SET cut = 14, cut_hash = ?", (fourteen,))
        connection.execute("DELETE FROM audit WHERE number <= 14")
        with_triggers(connection)
        assert faults(connection) == ["the chain begins behind row 14, and no row says that it was cut there"]
