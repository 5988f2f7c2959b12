"""Lists in every format that a feed may have are checked and matched, and no file upsets that."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vedette_console.__main__ import app, main
from vedette_indicators.lists import MAX_BAD_LINES

HEADER = "type,value,action,severity,expires,source,attack,comment\n"
STIX = {
    "type": "bundle",
    "objects": [
        {"type": "indicator", "id": "indicator--1", "pattern": "[domain-name:value = 'lure.test']"},
        {"type": "indicator", "id": "indicator--2", "pattern": "[file:size = 1]"},
    ],
}
MISP = {"Event": {"Attribute": [{"type": "domain", "value": "lure.test", "uuid": "it", "to_ids": True}]}}
FILES = {
    "hosts": "127.0.0.1 localhost\n0.0.0.0 lure.test\n",
    "plain": "# a list\nlure[.]test\n",
    "filter": "[Adblock Plus 2.0]\n||lure.test^$all\n",
    "maltrail": "# Reference: https://shop.example/\nlure.test\n",
    "urlhaus": "# id,url,threat,tags,urlhaus_link\n1,http://lure.test/x,,,\n",
    "threatfox": '# "ioc_value", "ioc_type", "malware_printable"\n"lure.test", "domain", "It"\n',
    "blackbook": "Domain,Malware,Date added,Source\nlure.test,It,,\n",
    "splunk": "description,domain\nIt,lure.test\n",
    "misp": json.dumps(MISP),
    "stix": json.dumps(STIX),
    "vedette": HEADER + "host,lure.test,,,,,,\n",
}
CSV = "who;what;kind\nme;lure.test;domain\nme;lure.test;domain\nyou;lure.test;weather\n"
COLUMNS = (
    "--column",
    "value=what",
    "--column",
    "type=kind",
    "--column",
    "note=who",
    "--column",
    "delimiter=;",
)


def run(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["indicators", *map(str, words)], env={"COLUMNS": "80"})
    return found.exit_code, found.stdout


def failed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> str:
    monkeypatch.setattr(sys, "argv", ["vedette", "indicators", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("vedette: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("said", [True, False])
def test_each_format_is_read_whether_it_is_named_or_not(form: str, said: bool, tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text(FILES[form])
    how = ("--format", form) if said else ()
    code, out = run("check", path, *how, "--json")
    result = json.loads(out)
    assert (result["format"], result["entries"], result["repeated"]) == (form, 1, 0)
    assert code == (form == "stix")
    assert result["bad"] == (
        [{"id": "indicator--2", "reason": result["bad"][0]["reason"]}] if form == "stix" else []
    )
    code, out = run("match", "--list", path, *how, "--as", "url", "--json", "http://lure.test/x")
    (match,) = json.loads(out)
    assert (code, match["list"], match["subject"][:9]) == (0, "list", "lure.test")
    expected = None if form in {"misp", "stix"} else 1 + FILES[form][:-1].count("\n")
    assert match["line"] == expected
    assert "list" in run("match", "--list", path, *how, "--as", "url", "http://lure.test/x")[1]
    assert json.loads(run("match", "--list", path, *how, "--as", "host", "--json", "shop.example")[1]) == []


def test_a_table_is_read_by_the_columns_that_are_named(tmp_path: Path) -> None:
    path = tmp_path / "it.csv"
    path.write_text(CSV)
    code, out = run("check", path, *COLUMNS, "--json")
    result = json.loads(out)
    assert (code, result["entries"], result["repeated"]) == (1, 1, 1)
    assert [bad["line"] for bad in result["bad"]] == [4]
    (match,) = json.loads(run("match", "--list", path, *COLUMNS, "--as", "host", "--json", "lure.test")[1])
    assert (match["comment"], match["line"]) == ("me", 2)
    numbers = ("--format", "csv", "--column", "value=2", "--column", "type_of_all=host")
    path.write_text(CSV.replace(";", ","))
    assert json.loads(run("check", path, *numbers, "--json")[1])["entries"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--format", "nothing"),
        ("--format", "csv"),
        ("--format", "hosts", "--column", "value=1"),
        ("--column", "value=0"),
        ("--column", "value=9999"),
        ("--column", "type=1"),
        ("--column", "value=1", "--column", "of=1"),
        ("--column", "value=1", "--column", "type_of_all=program"),
        ("--column", "value=1", "--column", "delimiter="),
        ("--column", "value=1", "--column", "delimiter=\n"),
        ("--column", "value=nowhere"),
        ("--format", "stix"),
        ("--format", "misp"),
        ("--format", "vedette"),
    ],
)
def test_what_can_not_be_done_is_said(
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "it.csv"
    path.write_text(CSV)
    failed(capsys, monkeypatch, "check", path, *words)
    failed(capsys, monkeypatch, "match", "--list", path, *words, "--as", "url", "x")


@pytest.mark.parametrize("form", ["auto", "vedette", "plain", "hosts", "stix", "misp", "urlhaus"])
@pytest.mark.parametrize(
    "content",
    [b"\0" * 5_000, bytes(range(256)) * 64, b"\xff\xfe" + "lure.test\n".encode("utf-16-le"), b"<html>", b"{"],
)
def test_a_file_of_anything_is_refused_in_a_line(
    form: str,
    content: bytes,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "it"
    path.write_bytes(content)
    if form in {"plain", "hosts"} and content == b"{":
        assert run("check", path, "--format", form)[0] == 1  # a line that is no entry
        return
    said = failed(capsys, monkeypatch, "check", path, "--format", form)
    assert said[:-1].isprintable()
    failed(capsys, monkeypatch, "match", "--list", path, "--format", form, "--as", "host", "lure.test")


def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "nothing"):
        failed(capsys, monkeypatch, "check", place)
        failed(capsys, monkeypatch, "match", "--list", place, "--as", "url", "x")
        good = tmp_path / "good.csv"
        good.write_text(HEADER)
        failed(capsys, monkeypatch, "check", good, "--benign", place)


def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 1 << 30)  # of holes
    assert "512 MiB" in failed(capsys, monkeypatch, "check", path)
    assert "512 MiB" in failed(capsys, monkeypatch, "match", "--list", path, "--as", "url", "x")


@pytest.mark.parametrize(("form", "beginning"), [("vedette", HEADER), ("plain", "lure.test\n")])
def test_a_line_without_end_is_refused_and_the_others_serve(
    form: str, beginning: str, tmp_path: Path
) -> None:
    path = tmp_path / "long"
    row = "host,other.test,,,,,,\n" if form == "vedette" else "other.test\n"
    path.write_text(beginning + "x" * 5_000_000 + "\n" + row)
    code, out = run("check", path, "--format", form, "--json")
    result = json.loads(out)
    assert code == 1
    assert result["types"] == {"host": 1 + (form == "plain")}
    (bad,) = result["bad"]
    assert bad["line"] == 2
    assert "longer than 16384" in bad["reason"]


def test_a_line_that_is_no_utf_8_serves_as_it_does_in_the_analyzer(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(HEADER.encode() + b"host,lure.test,,,,,,gr\xfcn\r\nhost,other.test,,,,,,\r")
    code, out = run("check", path, "--json")
    assert (code, json.loads(out)["entries"], json.loads(out)["bad"]) == (0, 2, [])
    (match,) = json.loads(run("match", "--list", path, "--as", "host", "--json", "lure.test")[1])
    assert match["comment"] == "gr\N{REPLACEMENT CHARACTER}n"


def test_of_many_bad_lines_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_text("lure.test\n" + "no word at all\n" * (MAX_BAD_LINES + 5))
    code, out = run("check", path, "--json")
    bad = json.loads(out)["bad"]
    assert (code, len(bad)) == (1, MAX_BAD_LINES + 1)
    assert bad[-1]["reason"].startswith("5 more")


def test_a_person_who_waits_sees_how_far_it_is_and_a_program_does_not(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_text("lure.test\n" * 300_000)
    words = [sys.executable, "-m", "vedette_console", "indicators", "check", str(path), "--json"]
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65_536):
            seen += chunk
    except OSError:
        pass  # the terminal's other end is gone
    os.close(ours)
    out, _ = child.communicate()
    assert (child.returncode, json.loads(out)["repeated"]) == (0, 299_999)
    assert b"reading list" in seen
    quiet = subprocess.run(words, capture_output=True, check=True)
    assert quiet.stderr == b""
