"""Files that only we may write: whole, or not there."""

import signal
from pathlib import Path

import pytest
from vedette_console.private import new_file, tidying_up


def test_who_is_told_to_end_leaves_nothing_half_written(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def write() -> None:
        with new_file(tmp_path / "x.csv") as file:
            file.write(b"half of it")
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as left:
        write()
    assert left.value.code == 143
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("before")
    with new_file(tmp_path / "x.csv") as file:
        file.write(b"after")
        assert (tmp_path / "x.csv").read_text() == "before"
    assert (tmp_path / "x.csv").read_text() == "after"
    assert len(list(tmp_path.iterdir())) == 1


def test_who_tidies_up_within_another_tidies_up_once(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), tidying_up(), new_file(tmp_path / "x.csv"):
        signal.raise_signal(signal.SIGTERM)
    assert not list(tmp_path.iterdir())
