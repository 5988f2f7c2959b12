"""`vedette audit` over all chains: the archive's, the web console's and the CA's, each a real file."""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from vedette_archive import Batch, Entry, Reader, Writer
from vedette_console.__main__ import app, main
from vedette_console.ca import enrol, make_ca
from vedette_console.person import person
from vedette_console.web.deeds import Deeds
from vedette_console.web.store import Store

DAY = timedelta(days=1)
NOBODY = 65_534
FILES = {"network": "archive.db", "console": "console/console.db", "ca": "ca/register.db"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as `vedette up` leaves it, with rows in each chain, written one after the other."""
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    (tmp_path / "console.toml").write_text(
        'folder = "console"\narchive = "archive.db"\nidentity = "identity"\n'
    )
    make_ca(tmp_path / "ca", ["localhost"])
    store = Store(tmp_path / "console")
    Deeds(store).note("anna", "session.began", "signed in")
    with Writer(tmp_path / "archive.db") as writer:
        started = Entry(datetime.now(UTC), "analyzer@0", "analyzer.started", "version 1")
        writer.store(Batch(audit=(started,)))
    enrol(tmp_path / "ca", "host-8", DAY, datetime.now(UTC), ca=None, broker=None)
    Deeds(store).note("anna", "session.ended", "signed out")
    store.close()
    return tmp_path


def vedette(*words: str | Path, **environment: str) -> tuple[int, str, str]:
    settled = {"COLUMNS": "160", "TZ": "UTC", **environment}
    found = CliRunner().invoke(app, ["audit", *map(str, words)], env=settled)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.stdout, found.stderr


def open_to_all(folder: Path) -> None:
    for path in (folder, *list(folder.parents)[:3]):
        path.chmod(0o777)


@contextmanager
def nobody() -> Generator[None]:
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def listed(*words: str | Path) -> list[tuple[str, str]]:
    code, said, _ = vedette(*words, "--json")
    assert code == 0
    rows = [json.loads(line) for line in said.splitlines()]
    return [(row["book"], row["what"]) for row in rows]


def verified(*words: str | Path) -> tuple[int, dict[str, dict[str, Any]]]:
    code, said, _ = vedette("verify", *words, "--json")
    found = [json.loads(line) for line in said.splitlines()]
    return code, {each["book"]: each for each in found}


def change(path: Path, statement: str) -> None:
    """Do what its triggers keep from being done."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit%'"
        triggers = connection.execute(query).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        for _, sql in triggers:
            connection.execute(sql)


ALL = [
    ("ca", "ca.made"),
    ("console", "session.began"),
    ("network", "analyzer.started"),
    ("ca", "token.made"),
    ("console", "session.ended"),
]


def test_the_rows_of_all_chains_are_listed_by_time(folder: Path) -> None:
    assert listed("--folder", folder) == ALL
    assert listed("--folder", folder, "--last", "2") == ALL[-2:]
    assert listed("--folder", folder, "--what", "token") == [("ca", "token.made")]
    assert listed("--folder", folder, "--who", "anna", "--last", "1") == ALL[-1:]
    for book in FILES:
        assert listed("--folder", folder, "--book", book) == [each for each in ALL if each[0] == book]
    code, said, error = vedette("--folder", folder)
    assert (code, error) == (0, "")
    assert [line.split()[:2] for line in said.splitlines()[1:]] == [
        ["ca", "1"],
        ["console", "1"],
        ["network", "1"],
        ["ca", "2"],
        ["console", "2"],
    ]


def test_all_chains_are_verified_each_with_its_head(folder: Path) -> None:
    code, said, _ = vedette("verify", "--folder", folder)
    assert code == 0
    assert [line.split(";")[0] for line in said.splitlines()] == [
        "network: 1 row, all as they were written",
        "console: 2 rows, all as they were written",
        "ca: 2 rows, all as they were written",
    ]
    heads = [line.split("; head ")[1] for line in said.splitlines()]
    noted = [word for head in heads for word in ("--head", head)]
    assert vedette("verify", "--folder", folder, *noted)[0] == 0
    enrol(folder / "ca", "host-9", DAY, datetime.now(UTC), ca=None, broker=None)
    assert vedette("verify", "--folder", folder, *noted)[0] == 0
    (_, number, own) = heads[1].split(":")
    code, said, _ = vedette("verify", "--folder", folder, "--head", f"ca:{number}:{own}")
    assert code == 1
    assert "ca: row 2 is not the one that was noted" in said


@pytest.mark.parametrize("book", FILES)
def test_what_was_changed_is_said_of_the_chain_that_it_was_changed_in(folder: Path, book: str) -> None:
    change(folder / FILES[book], "UPDATE audit SET words = 'nothing' WHERE number = 1")
    code, found = verified("--folder", folder)
    assert code == 1
    assert {name: bool(each["wrong"]) for name, each in found.items()} == {
        name: name == book for name in FILES
    }
    assert found[book]["wrong"] == [{"row": 1, "words": "row 1 was changed"}]
    others = [name for name in FILES if name != book]
    assert [verified("--folder", folder, "--book", name)[0] for name in others] == [0, 0]


def lose(path: Path) -> None:
    path.unlink()


def break_it(path: Path) -> None:
    path.write_bytes(b"garbage" * 2_000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("book", FILES)
@pytest.mark.parametrize("spoil", [lose, break_it, empty])
def test_a_chain_that_can_not_be_read_is_said_and_the_others_are_looked_at(
    folder: Path, book: str, spoil: Callable[[Path], None]
) -> None:
    spoil(folder / FILES[book])
    code, found = verified("--folder", folder)
    assert code == 2
    assert {name for name, each in found.items() if "unread" in each} == {book}
    assert str(folder / FILES[book]) in found[book]["unread"]
    assert verified("--folder", folder, "--book", book)[0] == 2
    code, said, error = vedette("--folder", folder, "--json")
    assert code == 2
    assert [json.loads(line)["book"] for line in said.splitlines()] == [at for at, _ in ALL if at != book]
    assert error.startswith(f"vedette: {book}: {folder}")
    assert error.count("\n") == 1


def test_what_is_wrong_counts_more_than_what_can_not_be_read(folder: Path) -> None:
    lose(folder / FILES["console"])
    change(folder / FILES["ca"], "DELETE FROM audit WHERE number = 1")
    code, said, _ = vedette("verify", "--folder", folder)
    assert code == 1
    assert said.splitlines()[1:] == [
        f"console: {folder / FILES['console']}: No such file or directory",
        "ca: row 1 is missing",
    ]


@pytest.mark.root
def test_who_may_not_read_a_chain_is_told(folder: Path) -> None:
    open_to_all(folder)
    (folder / "archive.db").chmod(0o666)
    assert verified("--folder", folder)[0] == 0
    with nobody():
        code, said, _ = vedette("verify", "--folder", folder)
    assert code == 2
    network, console, ca = said.splitlines()
    assert network.startswith("network: 1 row, all as they were written")
    assert console == f"console: {folder / FILES['console']}: Permission denied"
    assert ca == f"ca: {folder / FILES['ca']}: you may not read it"


def test_on_the_cas_own_machine_its_chain_is_all_there_is(folder: Path, tmp_path_factory: Any) -> None:
    nowhere = tmp_path_factory.mktemp("elsewhere")
    code, said, _ = vedette("verify", "--folder", nowhere, "--ca", folder / "ca")
    assert code == 0
    assert said.startswith("network: not here\nconsole: not here\nca: 2 rows, ")
    code, said, error = vedette("--folder", nowhere, VEDETTE_CA=str(folder / "ca"))
    assert (code, said.count("\n")) == (0, 3)
    assert error == "vedette: network: not here\nvedette: console: not here\n"


def test_where_the_console_is_its_settings_name_the_archive(folder: Path) -> None:
    (folder / "operator.toml").unlink()
    assert [each["rows"] for each in verified("--folder", folder)[1].values()] == [1, 2, 2]


def test_a_chain_that_is_not_here_is_asked_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    words = ["audit", "verify", "--book", "ca", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["vedette", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err == "vedette: ca: not here: name its folder with --folder or --ca\n"


def test_a_register_of_before_there_was_a_chain_is_told_as_such(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILES["ca"])) as connection:
        connection.execute("DROP TABLE audit_ends")
        connection.execute("DROP TABLE audit")
    code, found = verified("--folder", folder)
    assert code == 2
    assert "holds no chain" in found["ca"]["unread"]
    assert (folder / FILES["ca"]).stat().st_mode & 0o777 == 0o600


def test_who_copied_an_archive_and_who_restored_it_is_put_down(folder: Path, tmp_path_factory: Any) -> None:
    copy = tmp_path_factory.mktemp("elsewhere") / "copy.db"
    for words in ("backup", "restore"):
        done = CliRunner().invoke(app, ["archive", words, str(copy), "--folder", str(folder)])
        assert (done.exit_code, done.stderr) == (0, "")
    _, said, _ = vedette("--folder", folder, "--book", "network", "--json")
    found = [json.loads(line) for line in said.splitlines()]
    # what was copied does not say yet that it was
    assert [(row["what"], row["who"]) for row in found[1:]] == [("archive.restored", person())]
    (former,) = folder.glob("archive.db.*")
    with Reader(former) as reader:
        row = reader.audit.rows()[0]
        assert (row.what, row.who, row.words) == ("archive.copied", person(), f"into {copy}")
    assert verified("--folder", folder)[0] == 0


@pytest.mark.root
def test_who_may_only_read_an_archive_backs_it_up_all_the_same(folder: Path) -> None:
    open_to_all(folder)
    with Writer(folder / "archive.db"):  # the analyzer runs
        for path in folder.glob("archive.db*"):
            path.chmod(0o644)
        with nobody():
            words = ["archive", "backup", str(folder / "copy.db"), "--folder", str(folder)]
            done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert done.stderr.startswith("vedette: the audit does not say so: ")
    assert done.stderr.endswith("archive.db can't be opened: Permission denied\n")
    assert done.stdout.endswith(" MB, verified\n")
