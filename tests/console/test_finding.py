"""`vedette search` and `vedette export`: the same filters, every row once, no file that could act."""

import csv
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result
from vedette_archive import Batch, Page, Writer
from vedette_console.__main__ import app, main
from vedette_console.asking import moment
from vedette_console.exporting import OF_ALERTS, SHEET_ROWS, harmless, visible, write_xlsx
from vedette_schemas import Kind, Severity

from tests.archive.test_search import observations, told
from tests.messages import NOON

HOSTILE = '=cmd|"/c calc"!A1\0\x1b[31m\u202e,"x"\r\n+1'
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    with Writer(tmp_path / "archive.db") as writer:
        runs = (
            observations(Kind.WINDOW, HOSTILE, "host-1", 1, 3, 0),
            observations(Kind.CONNECTION, "needle.example", "host-2", 1, 2, 60),
        )
        alerts = (
            told(1, "host-1", Severity.LOW, "x", 1),
            told(2, "host-2", Severity.CRITICAL, HOSTILE, 2, summary=HOSTILE),
            told(3, "host-2", Severity.CRITICAL, "the needle", 3),
        )
        writer.store(Batch(runs=runs, alerts=alerts))
    return tmp_path


def vedette(folder: Path, *words: str) -> Result:
    found = CliRunner().invoke(app, [words[0], "--folder", str(folder), *words[1:]])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def left_with(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> object:
    monkeypatch.setattr(sys, "argv", ["vedette", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def table(text: str) -> list[dict[str, str]]:
    assert text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_alerts_are_shown_newest_first_and_harmless(folder: Path) -> None:
    said = " ".join(vedette(folder, "search").stdout.split())
    assert said.index("critical host-2:") < said.index("=cmd") < said.index("low host-1:")
    assert not {"\0", "\x1b", "\u202e"} & set(said)
    assert "there may be more: these are the newest 2" in vedette(folder, "search", "--limit", "2").stdout
    assert vedette(folder, "search", "--host", "host-9").stdout == "nothing was found\n"


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ((), [3, 2, 1]),
        (("--host", "host-2"), [3, 2]),
        (("--severity", "low", "--severity", "info"), [1]),
        (("--text", "NEEDLE"), [3]),
        (("--detector", "detector-1", "--limit", "1"), [3]),
        (("--indicator", "evil-2"), [2]),
        (("--kind", "clipboard"), [1]),
        (("--since", "2026-11-21T12:00:02Z", "--until", "2026-11-21T12:00:03Z"), [2]),
    ],
)
def test_each_filter_is_an_option(folder: Path, words: tuple[str, ...], ids: list[int]) -> None:
    found = [json.loads(line) for line in vedette(folder, "search", "--json", *words).stdout.splitlines()]
    assert [int(each["id"][-2:], 16) for each in found] == ids


def test_observations_are_searched_as_well(folder: Path) -> None:
    words = ("search", "--observations", "--text", "needle")
    found = [json.loads(line) for line in vedette(folder, *words, "--json").stdout.splitlines()]
    assert [(each["host"], each["number"], each["observation"]["host"]) for each in found] == [
        ("host-2", 2, "needle.example"),
        ("host-2", 1, "needle.example"),
    ]
    shown = " ".join(vedette(folder, *words).stdout.split())
    assert shown.count("connection host-2: needle.example 192.0.2.7:443 /opt/game/game") == 2


def test_a_table_holds_every_row_and_no_formula(folder: Path) -> None:
    found = vedette(folder, "export", str(folder / "alerts.csv"))
    assert found.stdout == f"{folder}/alerts.csv: 3 alerts\n"
    file = folder / "alerts.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = table(file.read_text("utf-8"))
    assert [row["host"] for row in rows] == ["host-2", "host-2", "host-1"]
    assert rows[1]["summary"] == '\'=cmd|"/c calc"!A1\N{REPLACEMENT CHARACTER}' + (
        '\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER},"x" +1'
    )
    assert (rows[1]["indicator"], rows[1]["list"], rows[1]["principal"]) == (
        "evil-2",
        "a.csv",
        "sensor@host-2",
    )


def test_json_lines_hold_everything_as_it_is(folder: Path) -> None:
    said = vedette(folder, "export", "--jsonl", "--observations", "--kind", "window").stdout
    assert said.replace("\n", "").isprintable()  # what a terminal would act on is written otherwise
    assert said.isascii()
    found = [json.loads(line) for line in said.splitlines()]
    assert [each["observation"]["title"] for each in found] == [HOSTILE] * 3


def test_a_workbook_holds_text_and_numbers_and_no_formula(folder: Path) -> None:
    vedette(folder, "export", str(folder / "seen.xlsx"), "--observations")
    with zipfile.ZipFile(folder / "seen.xlsx") as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))
    cells = [
        ["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")] for row in sheet.iter(f"{SHEET}row")
    ]
    assert len(cells) == 6
    assert cells[0][:4] == ["received_at", "seen_at", "host", "kind"]
    assert any(text.startswith("=cmd|") for text in cells[-1])
    assert not list(sheet.iter(f"{SHEET}f"))


@given(st.text(max_size=40))
def test_no_cell_begins_like_a_formula_or_hides_characters(text: str) -> None:
    found = str(harmless(text))
    assert not found.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
    assert found.replace("\N{REPLACEMENT CHARACTER}", "").replace("\u00a0", " ").isprintable() or all(
        each.isspace() or each.isprintable() for each in found
    )
    assert "\n" not in visible(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "x"), "say what to write: --csv, --jsonl or --xlsx"),
        (("export", "x.csv", "--csv", "--xlsx"), "--csv and --xlsx: choose one"),
        (("export", "none/x.csv"), "none/x.csv can't be written: No such file"),
        (("export", "."), "say what to write"),
        (("search", "--host", "Not a host"), "host: give a host's name: lower-case letters"),
        (("search", "--since", "soon"), "--since 'soon': give 90s, 30m, 2h or 7d ago, or a day or time"),
        (("search", "--since", "1"), "--since '1': give"),
        (("search", "--since", "999999d"), "--since '999999d': give"),
        (("search", "--since", "0001-01-01T00:00+14:00"), "--since '0001-01-01T00:00+14:00': give"),
        (("search", "--until", "9999-12-31T23:59-14:00"), "--until '9999-12-31T23:59-14:00': give"),
        (("search", "--until", "a" * 10_000), "--until 'aaaa"),
        (("search", "--text", "\udcff"), "is not UTF-8"),
        (("export", "a" * 300 + ".csv"), "can't be written: File name too long"),
        (("export", "a" * 5_000 + ".csv"), "can't be written: File name too long"),
        (("search", "--folder", "no\x1b[2J\u202efolder"), "no␛[2J�folder/operator.toml is not there"),
        (("search", "--since", "1h", "--until", "2h"), "since must lie before until"),
        (("search", "--observations", "--severity", "low"), "severity belongs to alerts"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_2(
    folder: Path,
    words: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = left_with(monkeypatch, words[0], "--folder", folder, *words[1:])
    told = capsys.readouterr().err
    assert code == 2
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("what", "body"),
    [
        *(("observations", body) for body in ("", "x", "[]", "7", "[" * 100_000, '{"title": ')),
        *(("alerts", body) for body in ("[]", "7", '{"version": 1}')),
    ],
)
def test_what_somebody_changed_in_the_archive_is_one_line_and_2(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    what: str,
    body: str,
) -> None:
    connection = sqlite3.connect(folder / "archive.db")
    with connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (what,)
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE {what} SET body = ?", (body,))
    connection.close()
    option = ["--observations"] if what == "observations" else []
    for words in (["export", "--jsonl"], ["export", "--csv"], ["export", "--xlsx"], ["search"]):
        assert left_with(monkeypatch, *words, "--folder", folder, *option) == 2, words
        told = capfd.readouterr().err
        assert told.count("\n") == 1, told
        assert "read" in told


def test_an_export_that_fails_leaves_what_was_there(folder: Path) -> None:
    file = folder / "alerts.csv"
    vedette(folder, "export", str(file), "--host", "host-1")
    before = file.read_text()
    (folder / "archive.db").write_bytes(b"noise" * 9_999)
    with pytest.raises(Exception, match="damaged"):
        vedette(folder, "export", str(file))
    assert file.read_text() == before
    assert not list(folder.glob(".alerts*"))


def test_what_an_export_writes_to_is_a_file_of_its_owner(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine").write_text("as it was")
    (folder / "link.csv").symlink_to("mine")
    (folder / "nowhere.csv").symlink_to("nothing")
    os.mkfifo(folder / "queue.csv")
    (folder / "folder.csv").mkdir()
    for name in ("link.csv", "nowhere.csv", "queue.csv", "folder.csv"):
        assert left_with(monkeypatch, "export", "--folder", folder, folder / name) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (folder / "mine").read_text() == "as it was"
    assert not list(folder.glob(".*.new"))


@pytest.mark.parametrize(
    "words",
    [
        ("search",),
        ("search", "--json"),
        ("export", "--csv"),
        ("export", "--jsonl"),
        ("export", "--xlsx"),
        ("alerts",),
        ("alerts", "--json"),
        ("incidents", "--json"),
        ("report",),
        ("hunt", "evil.test"),
    ],
)
def test_a_full_disk_is_one_line_and_2(
    folder: Path,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert left_with(monkeypatch, *words, "--folder", folder) == 2
    assert capsys.readouterr().err == "vedette: No space left on device\n"


def test_a_workbook_that_fails_leaves_nothing_of_what_was_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pages() -> Iterator[Page]:
        yield Page(alerts=(told(1, "host-1", Severity.LOW, "x", 1),))
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = io.BytesIO()
    with pytest.raises(KeyboardInterrupt):
        write_xlsx(pages(), OF_ALERTS, file)
    assert not list(tmp_path.iterdir())
    assert not file.getvalue()


@pytest.mark.system
def test_who_reads_no_further_is_no_fault(folder: Path) -> None:
    with Writer(folder / "archive.db") as writer:
        for number in range(40):
            writer.store(Batch(runs=(observations(Kind.CLIPBOARD, "x" * 9_000, "a", 1 + number, 1, number),)))
    script = "from vedette_console.__main__ import main; main()"
    command = [sys.executable, "-c", script, "export", "--jsonl", "--observations", "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as exporting:
        assert exporting.stdout is not None
        assert exporting.stderr is not None
        exporting.stdout.read(10)
        exporting.stdout.close()
        assert exporting.stderr.read() == b""


def test_a_time_ago_is_read() -> None:
    assert moment("2h", NOON, "--since") == NOON - timedelta(hours=2)
    assert moment("7d", NOON, "--since") == NOON - timedelta(days=7)
    assert moment("2026-11-21", NOON, "--since") == NOON.replace(hour=0)
    assert moment("2026-11-21T13:00+01:00", NOON, "--since") == NOON


def test_a_sheet_holds_what_excel_can() -> None:
    assert SHEET_ROWS < 1_048_576
