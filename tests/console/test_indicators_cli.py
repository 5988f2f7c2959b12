import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vedette_console.__main__ import app, main

HEADER = "type,value,action,severity,expires,source,attack,comment\n"
ROWS = (
    "host,lure.test,block,high,,me,T1566,a [red]lure[/red]",
    "url,http://shop.test/a/,,,,,,",
    "program,xmr,terminate,,,,,",
    "ip,198.51.100.7,,,2020-01-01,,,",
    "host,LURE.test,,,,,,",
    "host,com,,,,,,",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "\n".join(ROWS) + "\n")
    return path


def run(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["indicators", *map(str, words)], env={"COLUMNS": "80"})
    return found.exit_code, found.stdout


def found(path: Path, kind: str, text: str, *more: str) -> list[dict[str, object]]:
    code, said = run("match", "--list", path, "--as", kind, "--json", *more, text)
    assert code == 0
    result: list[dict[str, object]] = json.loads(said)
    return result


def test_a_match_tells_the_row_its_line_and_what_hit_it(path: Path) -> None:
    (match,) = found(path, "url", "https://www.Lure.test./x")
    assert match == {
        "type": "host",
        "value": "lure.test",
        "written": "lure.test",
        "action": "block",
        "severity": "high",
        "expires": None,
        "source": "me",
        "attack": "T1566",
        "comment": "a [red]lure[/red]",
        "list": "mine.csv",
        "line": 2,
        "subject": "www.lure.test",
        "via": "URL",
    } | {"via": match["via"]}


@pytest.mark.parametrize(
    ("kind", "text", "system", "hits"),
    [
        ("url", "http://shop.test/a/b", "any", 1),
        ("url", "http://shop.test/b", "any", 0),
        ("window", "see lure.test", "linux", 1),
        ("clipboard", "hxxp://lure[.]test/", "any", 1),
        ("program", "XMR.EXE", "windows", 1),
        ("program", "XMR.EXE", "linux", 0),
        ("command-line", "/opt/xmr -o pool", "linux", 1),
        ("path", "/opt/xmr", "linux", 1),
        ("connection", "lure.test:443", "any", 1),
        ("connection", "198.51.100.7", "any", 0),
        ("hash", "ab" * 32, "any", 0),
        ("host", "a.lure.test", "any", 1),
    ],
)
def test_each_kind_is_asked_as_the_analyzer_asks(
    path: Path, kind: str, text: str, system: str, hits: int
) -> None:
    assert len(found(path, kind, text, "--os", system)) == hits


def test_in_words_there_is_a_table_or_a_sentence(path: Path) -> None:
    code, said = run("match", "--list", path, "--as", "host", "lure.test")
    assert code == 0
    assert "mine.csv, 2" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert run("match", "--list", path, "--as", "host", "shop.example") == (
        0,
        "nothing on these lists matches\n",
    )


def test_a_check_tells_what_there_is_and_which_lines_do_not_serve(path: Path) -> None:
    code, said = run("check", path)
    assert code == 1
    assert "mine.csv (vedette): 4 entries, 1 expired, 1 said again" in said
    assert "public suffix" in said or "single label" in said
    assert "says the same as line 2" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    code, said = run("check", "--json", path)
    result = json.loads(said)
    assert (code, result["entries"], result["expired"]) == (1, 4, 1)
    assert result["types"] == {"host": 1, "url": 1, "program": 1, "ip": 1}
    assert [line["line"] for line in result["bad"]] == [6, 7]


def test_a_check_against_everyday_names_estimates_false_alarms(path: Path, tmp_path: Path) -> None:
    benign = tmp_path / "benign.txt"
    benign.write_text("www.lure.test\nshop.test\n198.51.100.8\n")
    code, said = run("check", path, "--benign", benign)
    assert code == 1
    assert "Everyday names that it hits: 1" in said
    (hit,) = json.loads(run("check", path, "--benign", benign, "--json")[1])["false_alarms"]
    assert (hit["name"], hit["line"]) == ("www.lure.test", 2)


def test_a_clean_list_leaves_with_nothing_to_complain(tmp_path: Path) -> None:
    path = tmp_path / "clean.csv"
    path.write_text(HEADER + ROWS[0])
    benign = tmp_path / "benign.txt"
    benign.write_text("shop.example\n")
    code, said = run("check", path, "--benign", benign)
    assert code == 0
    assert "No everyday name is hit." in said


def test_an_explanation_shows_the_canonical_form_and_what_is_looked_up() -> None:
    code, said = run("explain", "--json", "http://u:p@www.Lure.test.:80/a/./b?to=http%3A%2F%2Fother.test")
    result = json.loads(said)
    assert code == 0
    assert result["canonical"] == "www.lure.test/a/b?to=http://other.test"
    assert result["hosts"] == ["www.lure.test", "lure.test"]
    assert result["pages"][:3] == ["www.lure.test/", "www.lure.test/a/", "www.lure.test/a/b"]
    assert result["carried"] == ["other.test/"]
    assert json.loads(run("explain", "--json", "http://0xc6336407:81/")[1])["addresses"] == [
        "198.51.100.7",
        "198.51.100.7:81",
    ]
    assert "lure.test/a/" in run("explain", "http://www.lure.test/a/b")[1]


@pytest.mark.parametrize(
    "words",
    [
        ("check", "/nowhere/mine.csv"),
        ("match", "--list", "/nowhere/mine.csv", "--as", "url", "x"),
        ("match", "--list", "EMPTY", "--as", "url", "x"),
        ("check", "EMPTY"),
        ("explain", "://"),
    ],
)
def test_what_can_not_be_used_ends_with_2_and_one_line(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "EMPTY").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vedette", "indicators", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("vedette: ")
    assert said.count("\n") == 1
