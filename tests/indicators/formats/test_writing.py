"""A feed's entries, read again as a list's rows."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import COLUMNS, IndicatorType, ListAction, read_list
from vedette_indicators.formats import Entry, Format, row
from vedette_schemas import Severity

from tests.indicators.formats.reading import reading

HOST, HASH = IndicatorType.HOST, IndicatorType.HASH


def rows(*entries: Entry, ceiling: ListAction = ListAction.ALERT) -> list[tuple[str, str, str, str]]:
    text = "".join((",".join(COLUMNS) + "\n", *(row(entry, ceiling, Severity.HIGH) for entry in entries)))
    good, bad = read_list(text, name="feed")
    assert bad == ()
    return [(each.value, each.action, each.severity, each.comment) for each in good]


def test_a_row_says_where_in_the_feed_it_stands() -> None:
    entries = Entry(HOST, "a.test", 12, 'x, "y"', date(2027, 12, 31)), Entry(HOST, "b.test", "indicator--1")
    assert rows(*entries) == [
        ("a.test", "alert", "high", "line 12: x; 'y'"),
        ("b.test", "alert", "high", "indicator--1"),
    ]


@pytest.mark.parametrize(
    ("ceiling", "actions"),
    [
        (ListAction.ALERT, ["alert", "alert"]),
        (ListAction.BLOCK, ["block", "alert"]),  # what a program is can't be blocked
        (ListAction.TERMINATE, ["terminate", "terminate"]),
    ],
)
def test_a_row_asks_for_what_the_ceiling_allows(ceiling: ListAction, actions: list[str]) -> None:
    found = rows(Entry(HOST, "a.test", 1), Entry(HASH, "0" * 31 + "1", 2), ceiling=ceiling)
    assert [action for _, action, _, _ in found] == actions


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=60).map(
            lambda text: f"https://evil.test/{text}"
        ),
        max_size=9,
    )
)
def test_whatever_a_feed_holds_stays_one_row_an_entry(urls: list[str]) -> None:
    entries = {entry.value: entry for entry in reading(Format.PLAIN, "\n".join(urls)).entries}
    found = rows(*entries.values(), ceiling=ListAction.BLOCK)
    assert [value for value, *_ in found] == list(entries)
    assert {action for _, action, _, _ in found} <= {"block"}
