import csv
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_indicators import (
    COLUMNS,
    BadLine,
    Indicator,
    IndicatorTable,
    IndicatorType,
    ListAction,
    ListProblem,
    read_list,
)
from vedette_indicators.lists import MAX_BAD_LINES
from vedette_schemas import Severity

HEADER = ",".join(COLUMNS)


def read(*lines: str) -> tuple[tuple[Indicator, ...], tuple[BadLine, ...]]:
    return read_list("\n".join((HEADER, *lines)), name="mine.csv")


def reason(line: str) -> str:
    good, bad = read(line, "host,good.example,,,,,,")
    assert [row.value for row in good] == ["good.example"]
    assert [each.line for each in bad] == [2]
    return bad[0].reason


def test_a_whole_row() -> None:
    (row,), bad = read("URL,hxxp://Lure[.]test:80/a,Block,HIGH,2027-12-31,me,T1204.001,a comment")
    assert bad == ()
    assert row == Indicator(
        type=IndicatorType.URL,
        value="lure.test/a",
        written="hxxp://Lure[.]test:80/a",
        action=ListAction.BLOCK,
        severity=Severity.HIGH,
        expires=date(2027, 12, 31),
        source="me",
        attack="T1204.001",
        comment="a comment",
        list="mine.csv",
        line=2,
    )


def test_what_is_left_empty_has_a_default() -> None:
    (row,), _ = read("host,lure.test,,,,,,")
    assert (row.action, row.severity, row.expires) == (ListAction.ALERT, Severity.MEDIUM, None)


@pytest.mark.parametrize(
    "line", ["host,lure.test,block", "host,lure.test,block,,", "host,lure.test,block,,,,,"]
)
def test_what_comes_after_the_action_may_be_left_out(line: str) -> None:
    (row,), bad = read(line)
    assert (row.value, row.action, row.severity, bad) == ("lure.test", ListAction.BLOCK, Severity.MEDIUM, ())


@pytest.mark.parametrize("text", ["\ufeff{}\r\n{}\r\n", "{}\n{}", "# it\n\n  \n{}\n#\n{}\n", "{}\r{}\r"])
def test_marks_line_ends_blank_lines_and_comments(text: str) -> None:
    good, bad = read_list(text.format(HEADER, "host,lure.test,,,,,,"), name="mine.csv")
    assert ([row.value for row in good], bad) == (["lure.test"], ())


def test_bytes_are_read_as_utf_8() -> None:
    text = f"\ufeff{HEADER}\nhost,müll.test,,,,,,grün\n".encode()
    (row,), bad = read_list(text, name="mine.csv")
    assert (row.value, row.comment, bad) == ("xn--mll-hoa.test", "grün", ())


def test_bytes_that_are_no_utf_8_cost_one_line() -> None:
    text = f"{HEADER}\nhost,lure.test,,,,,,gr\xfcn\nhost,good.example,,,,,,\n".encode("latin-1")
    good, bad = read_list(text, name="mine.csv")
    assert ([row.line for row in good], [each.line for each in bad]) == ([3], [2])
    assert "UTF-8" in bad[0].reason


def test_an_open_quote_costs_its_own_line() -> None:
    good, bad = read('phrase,"open,,,,,,', 'phrase,"a, b",,,,,,"says ""so"""', "host,lure.test,,,,,,")
    assert [row.written for row in good] == ["a, b", "lure.test"]
    assert good[0].comment == 'says "so"'
    assert bad[0].line == 2
    assert "quote" in bad[0].reason


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("domain,lure.test,,,,,,", "type has to be one of host, url"),
        ("host,lure.test,kill,,,,,", "action has to be one of alert, block"),
        ("host,lure.test,,urgent,,,,", "severity has to be one of info"),
        ("host,lure.test,,,31/12/2027,,,", "day of the calendar"),
        ("host,lure.test,,,2027-02-30,,,", "day of the calendar"),
        ("host,lure.test,,,20271231,,,", "day of the calendar"),
        ("host,lure.test,,,2027-W01-1,,,", "day of the calendar"),
        ("host,lure.test,,,,,T12,", "technique"),
        ("host,lure.test,,,,,TA0001,", "technique"),
        ("host,lure.test,,,,,T1204.1,", "technique"),
        ("host,lure.test", "2 columns where 3 to 8"),
        ("host,lure.test,,,,,,a, b", "9 columns where 3 to 8"),
        ("host,,,,,,,", "no value"),
        ("host, ,,,,,,", "no value"),
        ("host,com,,,,,,", "single label"),
        ("host,co.uk,,,,,,", "public suffix"),
        ("host,example,,,,,,", "single label"),
        ("host,a b.test,,,,,,", "not a host name"),
        ("host,192.0.2.7,,,,,,", "type is ip"),
        ("url,ht!tp,,,,,,", "not a URL"),
        ("ip,1.2.3,,,,,,", "not an IP address"),
        ("ip:port,1.2.3.4,,,,,,", "with a port"),
        ("ip:port,1.2.3.4:0,,,,,,", "with a port"),
        ("cidr,10.0.0.0/7,,,,,,", "wider than /8"),
        ("cidr,2001::/15,,,,,,", "wider than /16"),
        ("cidr,10.0.0.0/33,,,,,,", "not a network"),
        ("program,/bin/x,,,,,,", "type is path"),
        ("program,...,,,,,,", "not a program"),
        ("path,bin/x,,,,,,", "whole path"),
        ("path,C:\\x\\,,,,,,", "folder"),
        ("path,C:\\x\\*.exe,,,,,,", "no file's name"),
        ("hash,123,,,,,,", "hexadecimal"),
        ("hash,d41d8cd98f00b204e9800998ecf8427e,,,,,,", "empty file"),
        ("hash,DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,,,,,,", "empty file"),
        ("phrase,x,,,,,,", "two characters"),
        ("phrase,?!,,,,,,", "two characters"),
        (f"phrase,{'ab ' * 101},,,,,,", "too long"),
        ("program,xmr,block,,,,,", "block means nothing for a program"),
        ("path,/bin/x,block,,,,,", "block means nothing for a path"),
        (f"hash,{'a' * 32},block,,,,,", "block means nothing for a hash"),
        (f"url,http://lure.test/{'a' * 4_096},,,,,,", "longer than 4096"),
        (f"host,lure.test,,,,,,{'a' * 1_001}", "longer than 1000"),
        (f"host,lure.test,,,,,,{'a' * 20_000}", "longer than 16384"),
        ("host,lure.test,,,,,,\0", "UTF-8 text"),
        ("host,lure.test,,,,,,\ud800", "UTF-8 text"),
        ('host,lure.test,,,,,,"a', "quote"),
        ('host,lure.test,,,,,,"a"b', "quote"),
    ],
)
def test_a_bad_line_is_reported_and_the_good_serve(line: str, words: str) -> None:
    said = reason(line)
    assert words in said
    assert len(said) < 250
    assert said.isprintable()


def test_a_row_that_is_there_already_is_reported() -> None:
    good, bad = read("host,lure.test,,,,,,", "host,LURE.test.,block,,,,,", "url,lure.test,,,,,,")
    assert [row.line for row in good] == [2, 4]
    assert "line 2" in bad[0].reason


def test_a_row_that_allows_what_another_lists_is_no_repeat() -> None:
    good, bad = read("program,game,terminate,,,,,", "program,game,allow,,,,,")
    assert (len(good), bad) == (2, ())
    assert IndicatorTable(good).process("/opt/game", on=date(2026, 11, 21)) == []


def test_a_row_with_another_end_is_another_row() -> None:
    good, bad = read("host,lure.test,,,2025-01-01,,,", "host,lure.test,,,,,,")
    assert (len(good), bad) == (2, ())


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "# it\n", "host,lure.test\n", "type;value\n", f"{HEADER},more\n", '"type\n'],
)
def test_a_list_without_its_header_is_refused(text: str) -> None:
    with pytest.raises(ListProblem, match=r"^mine\.csv"):
        read_list(text, name="mine.csv")


def test_a_header_may_be_quoted_and_in_capitals() -> None:
    text = ",".join(f'"{column.upper()}"' for column in COLUMNS)
    assert read_list(text, name="mine.csv") == ((), ())


def test_a_list_that_lost_over_half_is_refused() -> None:
    text = f"{HEADER}\nhost,a.test,,,,,,\nhost,b.test,,,,,,\n"
    assert len(read_list(text, name="mine.csv", previous=4)[0]) == 2
    with pytest.raises(ListProblem, match="2 usable rows where there were 5"):
        read_list(text, name="mine.csv", previous=5)


def test_what_is_reported_is_bounded() -> None:
    _, bad = read(*["nonsense"] * (MAX_BAD_LINES + 7))
    assert len(bad) == MAX_BAD_LINES + 1
    assert bad[-1].reason.startswith("7 more lines")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text, f"host,{text},,,,,,", f"phrase,{text},,,,,,")
    with pytest.raises(ListProblem) as problem:
        read_list(f"x{text}", name="mine.csv")
    assert len(str(problem.value)) < 300


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_list(HEADER.encode() + b"\n" + data, name="mine.csv")


@given(st.sampled_from(IndicatorType), st.text(min_size=1, max_size=40))
def test_what_is_served_reads_again_as_the_same(kind: IndicatorType, value: str) -> None:
    good, _ = read(f"{kind},{value},,,,,,")
    for row in good:
        (again,), _ = read(f"{kind},{_quoted(row.value)},,,,,,")
        assert again.value == row.value


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def test_a_comment_with_a_line_end_is_two_lines() -> None:
    lines = list(csv.reader(['host,lure.test,,,,,,"one\n', 'two"']))
    assert len(lines) == 1  # what a spreadsheet may write, and why a row here is a line
    good, bad = read('host,lure.test,,,,,,"one', 'two"')
    assert (len(good), len(bad)) == (0, 2)


@pytest.mark.parametrize("text", ["", "\n \n", "# only a remark\n"])
def test_a_list_without_a_row_is_refused_with_what_its_first_has_to_be(text: str) -> None:
    with pytest.raises(ListProblem, match=f"list is empty: its first row has to be {','.join(COLUMNS)}$"):
        read_list(text, name="ours.csv")
