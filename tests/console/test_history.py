import json
import sqlite3
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner
from vedette_archive import Batch, Fate, Writer
from vedette_console.__main__ import app, main
from vedette_schemas import Ranges

from tests.archive.history import WINDOWS, alert, command, observed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Writer(tmp_path / "archive.db") as writer:
        writer.store(observed(1, 1_200))
        writer.store(Batch(alerts=(alert(1), alert(2)), commands=(command(),)))
        with writer.transaction() as books:
            books.declare(WINDOWS, Fate.MISSING, Ranges.span(1_201, 1_203))
    return tmp_path / "archive.db"


def break_it(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM observations WHERE number = 3")
    connection.close()


def run(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["archive", "check", *map(str, words)])
    return found.exit_code, found.stdout


def test_a_sound_archive_is_told_as_such_with_what_is_missing(path: Path) -> None:
    code, said = run(path)
    assert code == 0
    assert said.startswith(
        "sound, but not complete: 1,200 observations of 1 stream, 2 alerts, 1 command (1 open)"
    )
    assert "missing 3," in said
    assert said.count("\n") == 1


def test_the_folder_of_all_programs_may_be_named_and_is_the_default(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(path.parent) == run(path) == run("--folder", path.parent)
    (path.parent / "run").mkdir()
    for file in path.parent.glob("archive.db*"):
        file.rename(path.parent / "run" / file.name)
    monkeypatch.chdir(path.parent)
    assert run()[0] == 0


def test_a_file_may_be_named_whatever_its_name(path: Path) -> None:
    before = run(path)
    assert run(path.rename(path.with_name("backup-of-noon"))) == before


def test_what_is_wrong_is_said_a_line_each(path: Path) -> None:
    break_it(path)
    code, said = run(path)
    assert code == 1
    assert said == (
        f"stream {' '.join(WINDOWS)}: its ranges hold 1200, the tables 1199 observations"
        " and 0 unreadable items; 0 have expired\n"
    )


def test_as_json(path: Path) -> None:
    code, said = run("--json", path)
    assert code == 0
    found = json.loads(said)
    assert (found["path"], found["wrong"], found["counts"]["archived"]) == (str(path), [], 1_200)
    break_it(path)
    code, said = run("--json", path)
    assert code == 1
    assert len(json.loads(said)["wrong"]) == 1


def test_hostile_names_are_shown_harmlessly(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE observations SET kind = char(27) || '[2J' WHERE number = 3")
    connection.close()
    code, said = run(path)
    assert code == 1
    assert "\x1b" not in said


@pytest.mark.parametrize("content", [None, b"no database at all, not even nearly"])
def test_an_archive_that_cannot_be_opened_is_said_in_one_line(
    tmp_path: Path,
    content: bytes | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "other.db"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["vedette", "archive", "check", str(path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"vedette: {path} is ")
    assert said.err.count("\n") == 1


def test_a_backup_is_made_and_restored(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    said = CliRunner().invoke(app, ["archive", "backup", str(copy), "--folder", str(tmp_path)])
    assert said.stdout.startswith(f"{copy}: ")
    assert said.stdout.endswith(" MB, verified\n")
    said = CliRunner().invoke(app, ["archive", "backup", str(copy), "--folder", str(tmp_path), "--json"])
    assert json.loads(said.stdout) == {"path": str(copy), "bytes": copy.stat().st_size, "verified": True}
    break_it(path)
    said = CliRunner().invoke(app, ["archive", "restore", str(copy), "--folder", str(path)])
    assert said.stdout.startswith(f"{path}: restored; the former one is {path}.2")
    assert run(path)[0] == 0


def test_a_backup_that_can_not_be_made_is_one_line_and_2(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_it(path)
    monkeypatch.setattr(
        sys, "argv", ["vedette", "archive", "backup", str(tmp_path / "x.db"), "--folder", str(tmp_path)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert f"the copy of {path} is not sound, and is not used: stream " in capsys.readouterr().err
    assert not (tmp_path / "x.db").exists()
