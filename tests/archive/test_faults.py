import random
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_archive import Reader, check
from vedette_schemas import Ranges

from tests.archive.history import WINDOWS

ROOT = Path(__file__).parents[2]


@pytest.mark.system
def test_what_was_committed_survives_ten_kills_at_random_moments(path: Path) -> None:
    committed = 0
    for round_ in range(10):
        command = [sys.executable, "-m", "tests.archive.writing", str(path), str(committed + 1)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writing:
            assert writing.stdout is not None
            first = writing.stdout.readline()
            pause = random.Random(round_).uniform(0, 0.15)
            with pytest.raises(subprocess.TimeoutExpired):
                writing.wait(pause)
            writing.kill()
            committed = int(([first, *writing.stdout.read().splitlines()])[-1])
        with Reader(path) as reader:
            archived = reader.numbers(WINDOWS).pairs
        # One batch may have been committed and not be said any more; none is there in part.
        assert [first for first, _ in archived] == [1]
        assert archived[0][1] in (committed, committed + 20)
    assert check(path) == []


@pytest.mark.system
def test_two_programs_that_store_the_same_at_once_store_it_once(path: Path) -> None:
    count = 400
    command = [sys.executable, "-m", "tests.archive.racing", str(path), str(count)]
    racing = [
        subprocess.Popen([*command, str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for seed in (1, 2)
    ]
    said = [process.communicate(timeout=60)[0].split() for process in racing]
    assert sum(int(new) for _, _, new in said) == count
    with Reader(path) as reader:
        assert reader.numbers(WINDOWS) == Ranges.span(1, count)
        assert [reader.books.commits(epoch) for epoch, _, _ in said] == [int(made) for _, made, _ in said]
        position = reader.books.position
        assert [position.epoch, str(position.commits)] in [each[:2] for each in said]
    assert check(path) == []


@pytest.mark.root
def test_a_full_disk_is_said_and_the_batch_is_stored_once_there_is_room(tmp_path: Path) -> None:
    found = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", "tests.archive.filling", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = found.stdout.splitlines()
    assert said[1:] == ["True", "100", "True", "[]"], found
    assert said[0].startswith("no room on the disk of ")
