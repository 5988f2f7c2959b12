from datetime import date
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorTable, IndicatorType, Via, read_list
from vedette_indicators.lists import COLUMNS

from tests.indicators.cases import TODAY, table_of

EXECUTABLE = "/opt/xmr"
DIGEST = "a" * 64


def table_until(day: str, *rows: str) -> IndicatorTable:
    lines = [row.replace("DAY", day) for row in rows]
    return IndicatorTable(read_list("\n".join((",".join(COLUMNS), *lines)), name="mine.csv")[0])


def test_a_match_says_what_was_hit_and_how() -> None:
    table = table_of(("host", "lure.test"))
    (match,) = table.url("https://WWW.lure.test:8443/a?b#c", on=TODAY)
    assert match.indicator.value == "lure.test"
    assert (match.subject, match.via) == ("www.lure.test", Via.URL)


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("lure.test", Via.URL),
        ("https://lure.test/", Via.URL),
        ("anna@lure.test", Via.MAIL),
        ("lure[.]test", Via.DEFANGED),
        ("hxxp://lure.test/", Via.DEFANGED),
        ("https://shop.example/?to=https://lure.test/", Via.REDIRECT),
    ],
)
def test_weaker_evidence_is_told_apart(text: str, via: Via) -> None:
    assert [match.via for match in table_of(("host", "lure.test")).clipboard(text, on=TODAY)] == [via]


def test_a_name_at_a_titles_end_is_told_from_a_phrase() -> None:
    table = table_of(("program", "winamp"), ("phrase", "winamp"))
    found = table.window("Songs - Winamp", "windows", on=TODAY)
    assert {(match.indicator.type, match.via) for match in found} == {
        (IndicatorType.PROGRAM, Via.TITLE_END),
        (IndicatorType.PHRASE, Via.TEXT),
    }


def test_what_is_named_twice_matches_once() -> None:
    table = table_of(("host", "lure.test"), ("phrase", "loot box"))
    text = "loot box lure.test http://lure.test/a http://lure.test/b Loot Box"
    assert len(table.clipboard(text, on=TODAY)) == 2


def test_a_redirector_to_itself_matches_once() -> None:
    table = table_of(("host", "lure.test"))
    (match,) = table.url("http://lure.test/?to=http://lure.test/", on=TODAY)
    assert match.via is Via.URL


def test_the_name_that_was_asked_for_counts_beside_the_address() -> None:
    table = table_of(("host", "lure.test"), ("ip:port", "198.51.100.7:443"))
    assert len(table.connection("198.51.100.7", 443, "WWW.lure.test.", on=TODAY)) == 2
    assert len(table.connection("nonsense", 443, "lure.test", on=TODAY)) == 1
    assert len(table.connection(ip_address("::ffff:198.51.100.7"), 443, on=TODAY)) == 1


def test_an_expired_row_neither_hits_nor_allows() -> None:
    table = table_until("2026-01-15", "host,lure.test,,,DAY,,,")
    assert table.host("lure.test", on=date(2026, 1, 15))
    assert not table.host("lure.test", on=date(2026, 1, 16))
    table = table_until("2026-01-15", "host,lure.test,,,,,,", "host,www.lure.test,allow,,DAY,,,")
    assert not table.host("www.lure.test", on=date(2026, 1, 15))
    assert table.host("www.lure.test", on=date(2026, 1, 16))


@pytest.mark.parametrize(
    ("allowed", "url", "is_passed"),
    [
        (("host", "good.lure.test"), "http://good.lure.test/a", True),
        (("host", "good.lure.test"), "http://lure.test/a", False),
        (("url", "http://lure.test/help/"), "http://lure.test/help/a", True),
        (("url", "http://lure.test/help/"), "http://lure.test/a", False),
        (("host", "test.example"), "http://test.example/?to=http://lure.test/", False),
    ],
)
def test_a_row_that_allows_passes_over_its_url(allowed: tuple[str, str], url: str, is_passed: bool) -> None:
    table = table_of(("host", "lure.test"), (*allowed, "allow"))
    assert (table.url(url, on=TODAY) == []) == is_passed
    assert (table.clipboard(f"see {url}", on=TODAY) == []) == is_passed


@pytest.mark.parametrize("allowed", [("program", "xmr"), ("path", EXECUTABLE), ("hash", DIGEST)])
def test_a_program_is_one_subject(allowed: tuple[str, str]) -> None:
    rows = [row for row in (("program", "xmr"), ("path", EXECUTABLE), ("hash", DIGEST)) if row != allowed]
    assert len(table_of(*rows).process(EXECUTABLE, "linux", DIGEST, on=TODAY)) == 2
    assert table_of(*rows, (*allowed, "allow")).process(EXECUTABLE, "linux", DIGEST, on=TODAY) == []


def test_an_allowed_address_allows_the_connection() -> None:
    table = table_of(("host", "lure.test"), ("cidr", "198.51.100.0/24"), ("ip", "198.51.100.9", "allow"))
    assert len(table.connection(ip_address("198.51.100.7"), 443, "lure.test", on=TODAY)) == 2
    assert table.connection(ip_address("198.51.100.9"), 443, "lure.test", on=TODAY) == []


def test_an_allowed_phrase_allows_itself_alone() -> None:
    table = table_of(("phrase", "loot box"), ("phrase", "no loot box", "allow"))
    assert [match.subject for match in table.window("no loot box", on=TODAY)] == ["loot box"]


def test_rows_of_several_lists_serve_together() -> None:
    header = ",".join(COLUMNS)
    first, _ = read_list(f"{header}\nhost,lure.test,,,,,,\n", name="first.csv")
    second, _ = read_list(f"{header}\nhost,lure.test,block,,,,,\n", name="second.csv")
    table = IndicatorTable([*first, *second])
    assert len(table) == 2
    lists = [match.indicator.list for match in table.host("lure.test", on=TODAY)]
    assert lists == ["first.csv", "second.csv"]


FULL = table_of(
    ("host", "lure.test"),
    ("url", "http://lure.test/a/?b"),
    ("url", "http://lure.test:81/"),
    ("ip", "198.51.100.7"),
    ("ip:port", "198.51.100.7:80"),
    ("cidr", "0.0.0.0/8"),
    ("cidr", "2001:db8::/32"),
    ("program", "a.exe"),
    ("path", "C:\\a"),
    ("path", "/a"),
    ("hash", DIGEST),
    ("phrase", "a b"),
    ("host", "good.test", "allow"),
)
# Text that goes deep: pieces of what is looked for, beside anything.
PIECES = [
    *(
        "http://",
        "//",
        "lure.test",
        "/",
        "\\",
        "?a=",
        "&",
        "%2F",
        "%25",
        "%",
        "@",
        ":",
        "[",
        "]",
        ".",
        "(dot)",
    ),
    *("[.]", "hxxp", "198.51.100.7", "::", "C:", "\\\\?\\", "UNC\\", ".exe", '"', "'", " - ", " (deleted)"),
    *("\0", "\ud800", "\u200b", "\u200d", "ß", "İ", "\u0345", "xn--", "。", "看"),
]
HOSTILE = st.lists(st.text(max_size=4) | st.sampled_from(PIECES), max_size=10).map("".join)


@given(HOSTILE)
def test_no_text_is_too_strange(text: str) -> None:
    for os in ("linux", "windows", "macos", None):
        FULL.window(text, os, on=TODAY)
        FULL.program(text, os, on=TODAY)
        FULL.process(text, os, text, on=TODAY)
        FULL.command_line(text, os, on=TODAY)
    FULL.clipboard(text, on=TODAY)
    FULL.url(text, on=TODAY)
    FULL.host(text, on=TODAY)
    FULL.hash(text, on=TODAY)
    FULL.connection(text, 80, text, on=TODAY)


@given(st.text(), st.text())
def test_nothing_around_a_url_hides_it(before: str, after: str) -> None:
    text = f"{before} https://lure.test/ {after}"
    assert any(match.subject.startswith("lure.test") for match in FULL.clipboard(text, on=TODAY))
