import os
import sqlite3
import stat
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest
from vedette_archive import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveLockedError,
    Batch,
    Entry,
    History,
    Query,
    Reader,
    Writer,
    back_up,
    check,
    restore,
)
from vedette_schemas import Ranges

from tests.archive.history import WINDOWS, alert, observed
from tests.archive.test_search import told
from tests.messages import NOON


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "backup.db"


@pytest.fixture(autouse=True)
def _folder(copy: Path) -> None:
    copy.parent.mkdir()


def alone(path: Path) -> bool:
    return [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_backup_is_one_verified_file_for_its_owner_alone(path: Path, writer: Writer, copy: Path) -> None:
    writer.store(observed(1, 30))
    writer.store(Batch(alerts=(alert(),)))
    shares: list[float] = []
    back_up(path, copy, shares.append)
    assert alone(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (shares[-1], shares) == (1.0, sorted(shares))
    with Reader(copy) as reader:
        assert reader.counts().alerts == 1
        assert reader.numbers(WINDOWS) == Ranges.span(1, 30)
    assert check(copy) == []


def test_what_is_written_meanwhile_neither_holds_it_up_nor_tears_it(path: Path, copy: Path) -> None:
    with Writer(path) as writer:
        for first in range(1, 60_001, 1_000):
            writer.store(observed(first, 1_000))
        stopping, written = threading.Event(), [0]

        def write() -> None:
            while not stopping.is_set():
                writer.store(observed(60_001 + written[0], 20))
                written[0] += 20

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(3):
                back_up(path, copy)
        finally:
            stopping.set()
            thread.join()
    with Reader(copy) as reader:
        ((first, last),) = reader.numbers(WINDOWS).pairs
    assert written[0] > 0
    assert first == 1
    assert 60_000 <= last <= 60_000 + written[0]
    assert alone(copy)


def test_a_backup_takes_the_place_of_an_older_one_and_of_nothing_else(
    path: Path, writer: Writer, copy: Path
) -> None:
    back_up(path, copy)
    writer.store(observed(1, 3))
    back_up(path, copy)
    with Reader(copy) as reader:
        assert reader.counts().archived == 3
    copy.write_text("dear diary")
    with pytest.raises(ArchiveError, match=r"backup\.db is there, and is no archive: name another file"):
        back_up(path, copy)
    assert copy.read_text() == "dear diary"
    with pytest.raises(ArchiveError, match="is the archive itself"):
        back_up(path, path)
    pipe = copy.with_name("pipe")
    os.mkfifo(pipe)
    with pytest.raises(ArchiveError, match="is no file"):
        back_up(path, pipe)
    with pytest.raises(ArchiveError, match="can't be written: Not a directory"):
        back_up(path, copy / "none" / "x.db")


def test_a_backup_of_another_version_or_a_damaged_one_is_replaced(
    path: Path, writer: Writer, copy: Path
) -> None:
    writer.store(observed(1, 3))
    for version in ("0001", "9999"):
        back_up(path, copy)
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    os.truncate(copy, copy.stat().st_size // 2)
    back_up(path, copy)
    assert check(copy) == []


@pytest.mark.root
def test_a_disk_without_room_for_a_copy_is_said(path: Path, writer: Writer, copy: Path) -> None:
    writer.store(observed(1, 3))
    small = copy.parent / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=True)
    try:
        with pytest.raises(
            ArchiveError, match=r"no room on the disk of .*/small/x\.db for a copy: make some"
        ):
            back_up(path, small / "x.db")
        assert not list(small.iterdir())
    finally:
        subprocess.run(["umount", small], check=True)


def test_an_archive_that_is_not_sound_replaces_no_backup(path: Path, writer: Writer, copy: Path) -> None:
    writer.store(observed(1, 3))
    back_up(path, copy)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM observations WHERE number = 2")
    connection.close()
    with pytest.raises(ArchiveError, match="is not sound, and is not used: stream sensor@host-7"):
        back_up(path, copy)
    assert alone(copy)
    assert check(copy) == []


def test_a_restored_archive_is_found_by_senders_to_be_an_older_one(path: Path, copy: Path) -> None:
    with Writer(path) as writer:
        writer.store(observed(1, 3))
        name = writer.name
    back_up(path, copy)
    with Writer(path) as writer:
        writer.store(observed(4, 3))
        lost = writer.epoch
    aside = restore(copy, path, by="user anna")
    assert aside is not None
    with Reader(aside) as former, Reader(path) as reader:
        assert former.numbers(WINDOWS) == Ranges.span(1, 6)
        assert reader.numbers(WINDOWS) == Ranges.span(1, 3)
        assert reader.name == name
        assert reader.books.commits(lost) is None
        assert former.books.commits(lost) is not None
    assert check(path) == []
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_archive_in_use_is_not_replaced(path: Path, writer: Writer, copy: Path) -> None:
    writer.store(observed(1, 3))
    back_up(path, copy)
    writer.store(observed(4, 3))
    with pytest.raises(ArchiveLockedError, match="in use: stop the analyzer first"):
        restore(copy, path, by="user anna")
    writer.store(observed(7, 1))
    assert check(path) == []


def test_the_log_of_a_killed_analyzer_does_not_get_into_what_is_restored(path: Path, copy: Path) -> None:
    with Writer(path) as writer:
        writer.store(observed(1, 3))
        back_up(path, copy)
        writer.store(observed(4, 500))
        left = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal", "-shm")}
    for suffix, content in left.items():
        Path(f"{path}{suffix}").write_bytes(content)
    restore(copy, path, by="user anna")
    assert not Path(f"{path}-wal").exists()
    with Reader(path) as reader:
        assert reader.counts().archived == 3
    assert check(path) == []


def test_a_damaged_archive_is_replaced_and_kept_aside(path: Path, copy: Path) -> None:
    with Writer(path) as writer:
        writer.store(Batch(alerts=(told(1, "a", alert().severity, "needle", 1),)))
    back_up(path, copy)
    path.write_bytes(b"noise" * 5_000)
    aside = restore(copy, path, by="user anna")
    assert aside is not None
    assert aside.read_bytes() == b"noise" * 5_000
    with History(path) as history:
        assert len(history.search(Query(text="NEEDLE")).alerts) == 1


def test_what_is_no_backup_changes_nothing(path: Path, copy: Path) -> None:
    Writer(path).close()
    before = path.read_bytes()
    copy.write_text("dear diary" * 99)
    with pytest.raises(ArchiveDamagedError, match=r"backup\.db is damaged"):
        restore(copy, path, by="user anna")
    with pytest.raises(ArchiveError, match="not there, or no file"):
        restore(copy.with_name("none.db"), path, by="user anna")
    copy.write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"backup\.db is empty: name a backup"):
        restore(copy, path, by="user anna")
    with closing(sqlite3.connect(copy.with_name("songs.db"))) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(ArchiveError, match=r"songs\.db is another program's database"):
        restore(copy.with_name("songs.db"), path, by="user anna")
    assert path.read_bytes() == before
    assert alone(path) or {each.name for each in path.parent.iterdir()} == {"archive.db", "copies"}


def test_a_restored_archive_says_so_and_heads_that_were_noted_before_hold(path: Path, copy: Path) -> None:
    with Writer(path) as writer:
        writer.store(Batch(audit=(Entry(NOON, "analyzer@0", "analyzer.started", "version 1"),)))
    back_up(path, copy)
    with Reader(path) as reader:
        noted = reader.audit.head
    with Writer(path) as writer:
        writer.store(Batch(audit=(Entry(NOON, "analyzer@0", "analyzer.stopped", "it was told to stop"),)))
    with Reader(path) as reader:
        lost = reader.audit.head
    restore(copy, path, by="user anna")
    with Reader(path) as reader:
        row = reader.audit.rows()[0]
        assert (row.who, row.what, row.words) == ("user anna", "archive.restored", f"from {copy}")
        assert (row.number, row.before) == (noted.number + 1, noted.hash)
        assert reader.audit.verify([noted]).faults == ()
        (fault,) = reader.audit.verify([lost]).faults
        assert fault.words == "row 2 is not the one that was noted: it, or one before it, was written anew"
    with Reader(copy) as reader:
        assert reader.audit.head == noted
