"""What is looked up takes no longer than the input is long, and the table's size costs nothing."""

import sys
import time
from types import FrameType

import pytest
from vedette_indicators import IndicatorTable
from vedette_indicators.spotting import MAX_SPOTTED, spots
from vedette_indicators.urls import carried, read_url

from tests.indicators.cases import TODAY, table_of

MEBI = 1 << 20
TABLE = table_of(
    ("host", "lure.test"), ("url", "a.test/b/"), ("cidr", "10.0.0.0/8"), ("phrase", "a a b"), ("program", "a")
)
PIECES = [
    *(
        "[",
        ".",
        "a.",
        "a.b ",
        "http://",
        "http:",
        "//",
        "\\",
        "@",
        "a@b.c ",
        "1.2.3.4 ",
        "1.2.3.4.",
        "::",
        "a:",
    ),
    *(
        "((http://a(",
        "http://a.test/b/)",
        "'http://a.b'",
        "[.]",
        "hxxp://",
        "-",
        "_",
        " - ",
        "a ",
        "\u200d",
        "。",
    ),
    *(
        "?u=http://a/",
        "&u=http%3A%2F%2Fa.test",
        "%25",
        "%2541",
        "b/",
        "../",
        "C:\\a ",
        "0" * 32 + " ",
        "\ud800",
    ),
]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "http://a.test/b/?u="])
def test_a_mebibyte_of_anything_is_soon_over(start: str, piece: str) -> None:
    text = start + piece * (MEBI // len(piece))
    begun = time.process_time()
    TABLE.window(text, "windows", on=TODAY)
    TABLE.clipboard(text, on=TODAY)
    TABLE.url(text, on=TODAY)
    TABLE.connection(text, on=TODAY)
    TABLE.process(text, "windows", on=TODAY)
    TABLE.command_line(text, "windows", on=TODAY)
    TABLE.hash(text, on=TODAY)
    assert time.process_time() - begun < 5  # 0.1 to 0.5 s; what is quadratic takes minutes


def test_what_is_looked_up_in_one_text_is_bounded() -> None:
    text = " ".join(f"h{number}.test" for number in range(2 * MAX_SPOTTED))
    assert sum(1 for _ in spots(text)) == MAX_SPOTTED


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test/?u=" + "http://a.test/?u=" * 1_000,
        "http://a.test/?" + "&".join(f"u{number}=http://h{number}.test/" for number in range(1_000)),
        "http://a.test/?u=http" + "%25" * 1_000 + "3A//lure.test",
    ],
)
def test_what_a_url_carries_is_bounded(url: str) -> None:
    read = read_url(url)
    assert read is not None
    assert len(carried(read)) <= 32


def calls(table: IndicatorTable, text: str) -> int:
    """How many functions of ours a look-up calls: a cost without a clock."""
    counted = 0

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call" and "vedette_indicators" in frame.f_code.co_filename

    sys.setprofile(count)
    try:
        assert table.window(text, on=TODAY) == []
        assert table.url(f"https://www.shop.test/{text}", on=TODAY) == []
    finally:
        sys.setprofile(None)
    return counted


def test_a_look_up_costs_the_same_in_a_table_a_hundred_times_as_large() -> None:
    def table(size: int) -> IndicatorTable:
        return table_of(
            *(("phrase", f"how to number {number}") for number in range(size)),
            *(("host", f"h{number}.test") for number in range(size)),
            *(("url", f"u.test/{number}") for number in range(size)),
        )

    title = "how to do what nobody lists: 198.51.100.7"
    assert calls(table(10), title) == calls(table(1_000), title)
