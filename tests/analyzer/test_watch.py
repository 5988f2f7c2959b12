import os
import signal
import threading
from datetime import date
from pathlib import Path

import psutil
import pytest
from vedette_analyzer.edited import LARGE_BYTES
from vedette_analyzer.watch import ListFiles, ListsRead, watch
from vedette_schemas import SettingsError
from vedette_transport import Call, Inbox

from tests.analyzer.lists import HEADER


def write(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "mine.csv", *(f"phrase,phrase number {n},,,,,," for n in range(10)))


def test_what_is_not_edited_is_not_read_again(path: Path) -> None:
    files = ListFiles([path])
    assert (files.first().entries, files.first().problems) == (10, ())
    assert files.changed() is None


def test_an_edit_in_place_and_a_replacement_are_both_read(path: Path) -> None:
    files = ListFiles([path])
    files.first()
    with path.open("a") as file:
        file.write("phrase,one more,,,,,,\n")
    appended = files.changed()
    assert appended is not None
    assert appended.entries == 11
    write(path.with_suffix(".new"), *(f"phrase,other number {n},,,,,," for n in range(12))).replace(path)
    replaced = files.changed()
    assert replaced is not None
    assert replaced.entries == 12
    assert files.changed() is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "type,value\nphrase,x y\n",
        "<html><body>Sign in</body></html>",
        HEADER,
        HEADER + "phrase,only this,,,,,,\n",
        HEADER + '"an open quote\n' * 3,
        "\x00" * 100,
    ],
)
def test_what_can_not_be_used_keeps_the_old_entries_and_says_so_once(path: Path, text: str) -> None:
    files = ListFiles([path])
    files.first()
    path.write_text(text)
    reading = files.changed()
    assert reading is not None
    assert reading.entries == 10
    assert "stay in force" in reading.problems[0]
    assert files.changed() is None


def test_a_list_that_vanishes_keeps_its_entries_until_it_is_back(path: Path) -> None:
    files = ListFiles([path])
    files.first()
    path.unlink()
    gone = files.changed()
    assert gone is not None
    assert (gone.entries, "No such file" in gone.problems[0]) == (10, True)
    assert files.changed() is None
    write(path, *(f"phrase,phrase number {n},,,,,," for n in range(9)))
    back = files.changed()
    assert back is not None
    assert (back.entries, back.problems) == (9, ())


def test_bad_lines_are_told_with_their_number_and_the_good_ones_serve(path: Path) -> None:
    with path.open("a") as file:
        file.write("phrase,x,explode,,,,,\nrubbish\n")
    reading = ListFiles([path]).first()
    assert reading.entries == 10
    (told,) = reading.problems
    assert told.startswith("mine.csv line 12: ")
    assert "1 more bad line" in told


def test_several_lists_are_one_table_and_each_keeps_its_own_rows(tmp_path: Path) -> None:
    one, two = (
        write(tmp_path / "a.csv", "phrase,first,,,,,,"),
        write(tmp_path / "b.csv", "phrase,second,,,,,,"),
    )
    files = ListFiles([one, two])
    assert files.first().entries == 2
    two.write_text("garbage")
    reading = files.changed()
    assert reading is not None
    assert reading.entries == 2


def test_a_list_that_can_not_be_used_at_the_start_ends_the_program(tmp_path: Path) -> None:
    for text in (None, "", "garbage"):
        path = tmp_path / f"{text}.csv"
        if text is not None:
            path.write_text(text)
        with pytest.raises(SettingsError) as refused:
            ListFiles([path]).first()
        assert str(path) in str(refused.value)


def test_an_edit_is_told_within_a_second(path: Path) -> None:
    files, inbox, stopping = ListFiles([path]), Inbox(), threading.Event()
    files.first()
    watcher = threading.Thread(target=watch, args=((files,), inbox, stopping))
    watcher.start()
    try:
        for entries in (11, 12):
            with path.open("a") as file:
                file.write(f"phrase,added as number {entries},,,,,,\n")
            event = inbox.get(timeout=1.0)
            assert isinstance(event, Call)
            assert isinstance(event.result, ListsRead)
            assert event.result.entries == entries
    finally:
        stopping.set()
        watcher.join()


@pytest.mark.parametrize("trap", ["pipe", "device", "folder", "loop"])
def test_what_is_no_file_neither_holds_it_up_nor_ends_it(path: Path, trap: str) -> None:
    files = ListFiles([path])
    files.first()
    path.unlink()
    match trap:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(path)
    reading = files.changed()
    assert reading is not None
    assert (reading.entries, "stay in force" in reading.problems[0]) == (10, True)


def large(path: Path, *more: str) -> Path:
    return write(path, *(f"host,h{n}.lure.test,,,,,,{'a' * 80}" for n in range(LARGE_BYTES // 90)), *more)


def is_listed(reading: ListsRead | None, host: str) -> bool:
    assert reading is not None
    return bool(reading.table.host(host, on=date(2026, 1, 15)))


def test_a_large_list_serves_compiled_beside_a_small_one(path: Path, tmp_path: Path) -> None:
    big = large(tmp_path / "big.csv", "rubbish")
    files = ListFiles([path, big], tmp_path / "compiled")
    first = files.first()
    assert first.entries == 10 + LARGE_BYTES // 90
    assert "big.csv line" in first.problems[0]
    assert is_listed(first, "www.h7.lure.test")
    assert first.table.window("phrase number 7", on=date(2026, 1, 15))
    assert [each.name for each in (tmp_path / "compiled").iterdir()] == ["1-big.csv.compiled"]
    large(big, "host,one.more.test,,,,,,")
    assert is_listed(files.changed(), "one.more.test")
    assert is_listed(first, "h8.lure.test")  # what is in force elsewhere still is


@pytest.mark.parametrize("text", ["<html>" + "x" * LARGE_BYTES, "", HEADER, HEADER + "#" * LARGE_BYTES])
def test_a_large_list_that_can_not_be_used_keeps_its_old_entries(tmp_path: Path, text: str) -> None:
    big = large(tmp_path / "big.csv")
    files = ListFiles([big], tmp_path / "compiled")
    files.first()
    big.write_text(text)
    reading = files.changed()
    assert is_listed(reading, "h7.lure.test")
    assert reading is not None
    assert "the old entries of big.csv stay in force" in reading.problems[0]
    assert files.changed() is None


def test_a_compiler_that_is_killed_leaves_the_old_entries_in_force(tmp_path: Path) -> None:
    big = large(tmp_path / "big.csv")
    files = ListFiles([big], tmp_path / "compiled")
    files.first()
    write(big, *(f"host,n{n}.lure.test,,,,,,{'a' * 80}" for n in range(40 * LARGE_BYTES // 90)))
    readings: list[ListsRead | None] = []
    reader = threading.Thread(target=lambda: readings.append(files.changed()))
    reader.start()
    while not (children := psutil.Process().children()):
        assert reader.is_alive()
    children[0].send_signal(signal.SIGKILL)
    reader.join()
    assert is_listed(readings[0], "h7.lure.test")
    assert readings[0] is not None
    assert "stay in force" in readings[0].problems[0]
    assert [each.name for each in (tmp_path / "compiled").iterdir()] == ["0-big.csv.compiled"]
    big.touch()
    assert is_listed(files.changed(), "n7.lure.test")


def test_without_a_folder_no_compiled_list_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert is_listed(ListFiles([large(tmp_path / "big.csv")]).first(), "h7.lure.test")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_feed_that_is_named_later_is_read_and_one_that_is_none_any_more_is_let_go(
    path: Path, tmp_path: Path
) -> None:
    files = ListFiles([path], tmp_path / "compiled")
    files.first()
    feed, big = write(tmp_path / "feed.csv", "host,lure.test,,,,,,"), large(tmp_path / "big.csv")
    files.feeds = (feed, big)
    assert is_listed(files.changed(), "lure.test")
    assert [each.name for each in (tmp_path / "compiled").iterdir()] == ["feed-big.csv.compiled"]
    files.feeds = (feed,)
    fewer = files.changed()
    assert is_listed(fewer, "lure.test")
    assert fewer is not None
    assert fewer.entries == 11
    assert list((tmp_path / "compiled").iterdir()) == []
    files.feeds = ()
    none = files.changed()
    assert not is_listed(none, "lure.test")
    assert files.changed() is None
