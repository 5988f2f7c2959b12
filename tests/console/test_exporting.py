"""Cells that spreadsheets take for text, whatever parts cells where they are opened."""

from hypothesis import example, given
from hypothesis import strategies as st
from vedette_console.exporting import harmless


@given(st.text(st.sampled_from('=+-@|%;" \t\xa0a\u200b\uff1d'), max_size=12))
@example(text='x;=HYPERLINK("http://evil.test";"a")')
@example(text="x; \"=cmd|'/c calc'!A1;y")
def test_no_cell_begins_like_a_formula_where_semicolons_part_cells(text: str) -> None:
    for cell in str(harmless(text)).split(";")[1:]:
        assert not cell.replace('"', " ").lstrip().startswith(tuple("=+-@|%\uff1d"))


def test_a_semicolon_before_anything_else_is_left_alone() -> None:
    assert harmless("a;b; c;'=d") == "a;b; c;'=d"
