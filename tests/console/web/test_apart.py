"""What runs in a process of its own: what it returns or raises arrives here, one at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_archive import Batch, Query, Run, Writer
from vedette_console.web import workbooks
from vedette_console.web.apart import apart
from vedette_console.web.proposing import propose, would_have_hit
from vedette_console.web.workbooks import write_workbook
from vedette_schemas import SettingsError

from tests import messages
from tests.archive.history import CLIPBOARD, alert

NOW = datetime.now(UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of one copied text and two alerts."""
    path, item = tmp_path / "archive.db", messages.clipboard("a <b>loud</b> phrase", seen_at=NOW)
    seen = Run(CLIPBOARD, 1, 1, NOW, f"[{item.model_dump_json()}]")
    with Writer(path) as writer:
        writer.store(Batch(runs=(seen,), alerts=(alert(1), alert(2))))
    return path


def test_what_another_process_finds_is_what_this_one_would_find(archive: Path) -> None:
    row = propose({"type": "phrase", "value": "loud</b>", "action": "alert", "severity": "low"}).row
    since = NOW - timedelta(days=1)
    found = apart(would_have_hit, archive, row, since)
    assert found == would_have_hit(archive, row, since)
    assert (found.hits, found.hosts, found.is_all) == (1, (("host-7", 1),), True)


def test_it_is_another_process() -> None:
    assert apart(os.getppid) == os.getpid()


def test_what_it_raises_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gone"):
        apart(write_workbook, tmp_path / "gone.db", Query(), tmp_path / "book.xlsx")


def test_what_it_does_not_foresee_is_in_the_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError, match="log says why"):
        apart(os.listdir, str(tmp_path / "gone"))
    assert "FileNotFoundError" in capfd.readouterr().err


def test_one_runs_at_a_time(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(apart, Path.read_text, fifo)
        with fifo.open("w") as writer:  # opens when the first one reads
            with pytest.raises(SettingsError, match="somebody else"):
                apart(os.getpid)
            writer.write("done")
        assert first.result() == "done"
    assert apart(os.getppid) == os.getpid()


def test_a_workbook_of_too_many_rows_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workbook(archive, Query(), tmp_path / "book.xlsx")
    assert (tmp_path / "book.xlsx").read_bytes().startswith(b"PK")
    monkeypatch.setattr(workbooks, "MOST_ROWS", 1)
    with pytest.raises(SettingsError, match="holds 1 rows here, and more fit"):
        write_workbook(archive, Query(), tmp_path / "book.xlsx")
