"""A row that is added to a list: it serves as the analyzer reads it, or nothing is written."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_console.web.proposing import add, propose
from vedette_indicators import COLUMNS, IndicatorType, ListAction, read_list
from vedette_schemas import SettingsError, Severity

HEADER = ",".join(COLUMNS)


def fields(**changes: str) -> dict[str, str]:
    return {"type": "phrase", "value": "a phrase", "action": "alert", "severity": "low"} | changes


def test_a_row_has_a_line_of_its_own_whatever_the_list_ends_with(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    for end in ("", "\n", "\n\n", "\r\n", "\n# the end"):
        path.write_bytes(f"{HEADER}\nhost,a.example,alert,low,,,,{end}".encode())
        line = add(path, propose(fields(comment='with "quotes", and commas')))
        rows, bad = read_list(path.read_bytes(), name="list.csv")
        assert [row.written for row in rows] == ["a.example", "a phrase"]
        assert (rows[1].line, rows[1].comment, bad) == (line, 'with "quotes", and commas', ())


_TEXT = st.text(max_size=30) | st.sampled_from(
    ["=1+1", '"', "a,b", "# a", "x" * 5_000, "\ud800", "\ufeff", "T1204"]
)


@given(
    kind=st.sampled_from([*IndicatorType, "nothing"]),
    value=_TEXT | st.sampled_from(["a.example", "192.0.2.1", "http://a.example/b", "firefox"]),
    action=st.sampled_from([*ListAction, "shoot"]),
    severity=st.sampled_from([*Severity, ""]),
    rest=st.tuples(_TEXT, _TEXT, _TEXT, _TEXT),
)
def test_whatever_is_asked_for_serves_or_leaves_the_list_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    value: str,
    action: str,
    severity: str,
    rest: tuple[str, str, str, str],
) -> None:
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    path.write_text(f"{HEADER}\nhost,first.example,alert,low,,,,\n")
    before = path.read_bytes()
    asked: dict[str, str] = dict(zip(COLUMNS, (kind, value, action, severity, *rest), strict=True))
    try:
        proposed = propose(asked)
        line = add(path, proposed)
    except SettingsError:
        assert path.read_bytes() == before
        return
    rows, bad = read_list(path.read_bytes(), name=path.name)
    assert (len(rows), bad, line) == (2, (), 3)
    assert (rows[1].type, rows[1].value, rows[1].action) == (kind, proposed.row.value, action)
    assert path.read_bytes().startswith(before)


def test_many_who_add_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADER}\n")
    rows = [propose(fields(value=f"phrase number {number}")) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        lines = [*pool.map(partial(add, path), rows)]
    assert sorted(lines) == [*range(2, 42)]
    assert len(read_list(path.read_bytes(), name="list.csv")[0]) == 40


def test_what_is_no_list_of_ours_is_not_written_to(tmp_path: Path) -> None:
    row, path = propose(fields()), tmp_path / "list.csv"
    with pytest.raises(SettingsError, match="No such file"):
        add(path, row)
    os.mkfifo(path)
    with pytest.raises(SettingsError, match="no file"):
        add(path, row)
    path.unlink()
    target = tmp_path / "elsewhere"
    target.write_text(f"{HEADER}\n")
    path.symlink_to(target)
    with pytest.raises(SettingsError, match="symbolic link"):
        add(path, row)
    assert target.read_text() == f"{HEADER}\n"
    path.unlink()
    for content in ("", "other,columns\n"):
        path.write_text(content)
        with pytest.raises(SettingsError):
            add(path, row)
        assert path.read_text() == content
