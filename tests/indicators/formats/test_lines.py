"""Formats of one entry a line: what each line comes to, and why some come to nothing."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import IndicatorType, RefusedError, canonical
from vedette_indicators.formats import Entry, Format, FormatError, Refused
from vedette_indicators.formats.entries import MAX_LINE
from vedette_indicators.formats.values import settled, typed

from tests.indicators.formats.reading import reading
from tests.indicators.test_canonical import HOST

SHA = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
LINES = [
    (Format.PLAIN, "Evil.Example.TEST.", "host evil.example.test"),
    (Format.PLAIN, "*.evil.test", "host evil.test"),
    (Format.PLAIN, ".evil.test", "host evil.test"),
    (Format.PLAIN, "evil[.]test", "host evil.test"),
    (Format.PLAIN, "hxxps://evil[.]test/a?b=1", "url evil.test/a?b=1"),
    (Format.PLAIN, "evil.test/kio8/", "url evil.test/kio8/"),
    (Format.PLAIN, "evil.test:8080", "url evil.test:8080/"),
    (Format.PLAIN, "9.9.9.9", "ip 9.9.9.9"),
    (Format.PLAIN, "::ffff:9.9.9.9", "ip 9.9.9.9"),
    (Format.PLAIN, "9.9.9.9:4444", "ip:port 9.9.9.9:4444"),
    (Format.PLAIN, "9.9.9.0/24 ; SBL1", "cidr 9.9.9.0/24"),
    (Format.PLAIN, "evil.test    # was: good.test", "host evil.test"),
    (Format.PLAIN, SHA.upper(), f"hash {SHA}"),
    (Format.HOSTS, "0.0.0.0 evil.test # why", "host evil.test"),
    (Format.HOSTS, "127.0.0.1\tevil.test", "host evil.test"),
    (Format.FILTER, "||evil.test^", "host evil.test"),
    (Format.FILTER, "||evil.test^$all", "host evil.test"),
    (Format.FILTER, "||evil.test^$document,important", "host evil.test"),
    (Format.FILTER, "||evil.test/a/b.exe$all", "url evil.test/a/b.exe"),
    (Format.FILTER, "||9.9.9.9^", "ip 9.9.9.9"),
    (Format.FILTER, "evil.test", "host evil.test"),
    (Format.FILTER, "0.0.0.0 evil.test", "host evil.test"),
    (Format.MALTRAIL, "http://9.9.9.9", "url 9.9.9.9/"),
    (Format.MALTRAIL, "9.9.9.9:81", "ip:port 9.9.9.9:81"),
    (Format.MALTRAIL, "evil.test", "host evil.test"),
]
REFUSED = [
    (Format.PLAIN, "co.uk", "public suffix"),
    (Format.PLAIN, "localhost", "single label"),
    (Format.PLAIN, "evil.test is evil", "more than one word"),
    (Format.PLAIN, "ev*il.test", "without a *"),
    (Format.PLAIN, "192.168.1.1", "no address of the Internet"),
    (Format.PLAIN, "http://127.0.0.1/x", "no address of the Internet"),
    (Format.PLAIN, "http://0x7f.1/x", "no address of the Internet"),
    (Format.PLAIN, "10.0.0.0/8", "no address of the Internet"),
    (Format.PLAIN, "64:ff9b::10.1.2.3", "no address of the Internet"),
    (Format.PLAIN, "[::1]:80", "no address of the Internet"),
    (Format.PLAIN, "0.0.0.0/0", "wider than /8"),
    (Format.PLAIN, "d41d8cd98f00b204e9800998ecf8427e", "the empty file"),
    (Format.PLAIN, "h" * 3_000 + ".test", "longer than"),
    (Format.HOSTS, "9.9.9.9 evil.test", "does not begin with 0.0.0.0"),
    (Format.HOSTS, "evil.test", "does not begin with 0.0.0.0"),
    (Format.FILTER, "@@||good.test^", "an exception"),
    (Format.FILTER, "##.banner", "parts of a page"),
    (Format.FILTER, "site.test##.banner", "parts of a page"),
    (Format.FILTER, "||ads.test^$script,domain=x.test", "a pattern"),
    (Format.FILTER, "||ads.test^$third-party", "some requests"),
    (Format.FILTER, "||ads*.test^", "a pattern"),
    (Format.FILTER, "|http://evil.test|", "not a URL"),
    (Format.FILTER, "/banner[0-9]+/", "not a"),
    (Format.MALTRAIL, "/gate.php?id=", "a path without its host"),
]


@pytest.mark.parametrize(("form", "line", "expected"), LINES)
def test_a_line_is_read(form: Format, line: str, expected: str) -> None:
    found = reading(form, f"# a comment\n\n{line}\r\n")
    assert (found.values, found.refused) == ([expected], [])
    assert found.entries[0].place == 3


@pytest.mark.parametrize(("form", "line", "why"), REFUSED)
def test_a_line_is_refused_by_its_number(form: Format, line: str, why: str) -> None:
    found = reading(form, f"\n{line}\n")
    assert found.entries == []
    assert [each.place for each in found.refused] == [2]
    assert why in found.reasons[2]
    assert len(str(found.refused[0])) < 300


def test_a_line_of_a_hosts_file_may_hold_several_names_and_those_of_its_own_host_are_passed_over() -> None:
    text = "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n0.0.0.0 a.test b.test localhost\n"
    found = reading(Format.HOSTS, text)
    assert (found.values, found.refused) == (["host a.test", "host b.test"], [])


def test_comments_of_filter_lists_are_passed_over() -> None:
    assert reading(Format.FILTER, "[Adblock Plus 2.0]\n! Title: x\n# x\n||evil.test^\n").refused == []


def test_the_reference_above_a_trail_is_its_note() -> None:
    text = (
        "# Copyright\na.test\n# Reference: https://one.test/x\nb.test\nc.test\n"
        "# Reference: https://two.test\n# Aliases: y\nd.test\n"
    )
    notes = [(entry.value, entry.note) for entry in reading(Format.MALTRAIL, text).entries]
    assert notes == [
        ("a.test", ""),
        ("b.test", "https://one.test/x"),
        ("c.test", "https://one.test/x"),
        ("d.test", "https://two.test"),
    ]


def test_a_long_line_and_one_that_is_no_text_are_refused_and_the_others_serve() -> None:
    text = b"a.test\n" + b"x" * (3 * MAX_LINE) + b"\nb.test\n\xff\xfe.test\nc.test"
    found = reading(Format.PLAIN, text)
    assert found.values == ["host a.test", "host b.test", "host c.test"]
    assert found.reasons == {2: f"longer than {MAX_LINE} bytes", 4: "not UTF-8 text"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n <!DOCTYPE html><html>", "HTML"),
        (b"\xef\xbb\xbf<html>", "HTML"),
        (b"PK\x03\x04\0\0", "compressed"),
        ("evil.test\n".encode("utf-16"), "UTF-16"),
    ],
)
@pytest.mark.parametrize("form", Format)
def test_what_is_no_list_is_refused_as_a_whole(form: Format, content: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        reading(form, content)


@given(HOST | st.from_regex(r"[a-z0-9.-]{1,40}\.[a-z]{2,9}", fullmatch=True))
def test_the_short_way_for_usual_hosts_leads_where_the_long_one_does(host: str) -> None:
    def form(read: Callable[[IndicatorType, str], str]) -> str | None:
        try:
            return read(IndicatorType.HOST, host)
        except RefusedError:
            return None

    assert form(typed) == form(canonical)


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_an_entry_or_refused(content: bytes) -> None:
    for form in (Format.PLAIN, Format.HOSTS, Format.FILTER, Format.MALTRAIL):
        try:
            found = reading(form, content)
        except FormatError:
            continue
        for item in (*found.entries, *found.refused):
            assert isinstance(item, Entry | Refused)
        for entry in found.entries:
            assert canonical(entry.type, entry.value) == entry.value
            assert "\n" not in entry.value + entry.note


@given(HOST)
def test_what_is_listed_is_found_by_its_looks(host: str) -> None:
    assert settled(host) == (IndicatorType.HOST, host)
    assert settled(f"http://{host}/x") == (IndicatorType.URL, f"{host}/x")
