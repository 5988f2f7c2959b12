"""The lists that were hunted for, and those that are to be."""

from pathlib import Path

import pytest
from vedette_analyzer.hunting.generations import Generations, Source

from tests.analyzer.hunting.world import source


@pytest.fixture
def generations(tmp_path: Path) -> Generations:
    return Generations(tmp_path / "hunting")


def numbers(generations: Generations) -> list[str]:
    return sorted(path.name for path in generations.folder.iterdir())


def test_the_first_lists_are_not_hunted_for_and_others_are(generations: Generations) -> None:
    assert generations.write([source("host,a.test,,,,,,")]) is None
    assert generations.write([source("host,a.test,,,,,,")]) is None
    assert generations.write([source("host,b.test,,,,,,")]) == 2
    assert generations.begin(2) == 1
    generations.settle(2)
    assert numbers(generations) == ["2"]
    assert generations.write([source("host,b.test,,,,,,")]) is None


def test_what_was_not_hunted_for_is_still_wanted_by_who_comes_after(generations: Generations) -> None:
    generations.write([source("host,a.test,,,,,,")])
    assert generations.write([source("host,b.test,,,,,,")]) == 2
    again = Generations(generations.folder)
    assert again.write([source("host,b.test,,,,,,")]) == 2
    assert again.begin(2) == 1


def test_lists_that_no_hunt_has_begun_for_give_way_to_newer_ones(generations: Generations) -> None:
    generations.write([source()])
    for number in range(2, 6):
        assert generations.write([source(f"host,n{number}.test,,,,,,")]) == number
    assert numbers(generations) == ["1", "5"]
    assert generations.begin(4) is None
    assert generations.begin(5) == 1
    for number in range(6, 9):
        generations.write([source(f"host,n{number}.test,,,,,,")])
    assert numbers(generations) == ["1", "5", "8"]
    generations.settle(5)
    assert generations.begin(8) == 5


def test_a_compiled_list_is_kept_though_it_is_replaced(generations: Generations, tmp_path: Path) -> None:
    compiled = tmp_path / "0-big.csv.compiled"
    compiled.write_bytes(b"old")
    generations.write([Source("big.csv", "1", compiled)])
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "new").replace(compiled)
    generations.write([Source("big.csv", "2", compiled)])
    (old,), (new,) = generations.lists(1), generations.lists(2)
    assert (old.is_compiled, old.file.read_bytes(), new.file.read_bytes()) == (True, b"old", b"new")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]"])
def test_a_damaged_folder_is_begun_anew(generations: Generations, content: bytes | None) -> None:
    generations.write([source("host,a.test,,,,,,")])
    facts = generations.folder / "1" / "lists.json"
    if content is None:
        facts.unlink()
    else:
        facts.write_bytes(content)
    assert generations.write([source("host,b.test,,,,,,")]) is None
    assert generations.write([source("host,b.test,,,,,,")]) is None
    assert generations.write([source("host,c.test,,,,,,")]) == 2


def test_where_nothing_can_be_kept_nothing_is_hunted_for(tmp_path: Path) -> None:
    (tmp_path / "hunting").write_text("a file")
    assert Generations(tmp_path / "hunting").write([source("host,a.test,,,,,,")]) is None
