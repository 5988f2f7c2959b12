from pathlib import Path

import pytest
from vedette_analyzer.edited import LARGE_BYTES
from vedette_analyzer.guarding import GuardFiles
from vedette_schemas import SettingsError


@pytest.fixture
def guard(tmp_path: Path) -> Path:
    path = tmp_path / "guard.txt"
    path.write_text("# ours\nschool.example\n???\nlibrary.example\ntown.example\n")
    return path


def test_several_files_are_one_guard_and_bad_lines_do_not_matter(guard: Path) -> None:
    misp = guard.with_name("misp.json")
    misp.write_text('{"name": "Top", "list": ["google.com"]}')
    read = GuardFiles([guard, misp]).first()
    assert read.guard.guarded("www.school.example")
    assert read.guard.guarded("google.com") == "google.com is too common to block (Top)"
    assert GuardFiles().first().guard.guarded("google.com") is None


def test_what_is_protected_is_a_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "protect.txt").write_text("paypal.com\n192.0.2.7\n")
    look_alikes = GuardFiles((), tmp_path / "protect.txt").first().look_alikes
    assert look_alikes.of("paypa1.com") == "paypal.com"
    assert len(look_alikes) == 1
    assert len(GuardFiles().first().look_alikes) == 0


def test_one_file_may_be_guarded_and_protected(guard: Path) -> None:
    read = GuardFiles([guard], guard).first()
    assert (len(read.guard), len(read.look_alikes)) == (3, 3)


@pytest.mark.parametrize("text", [None, "{", '{"list": ["a"], "type": "regex"}'])
def test_a_file_that_can_not_be_used_ends_the_program_with_its_name(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "guard.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"guard\.json"):
        GuardFiles([path]).first()


def test_an_edit_is_read_once(guard: Path, tmp_path: Path) -> None:
    protect = tmp_path / "protect.txt"
    protect.write_text("paypal.com\n")
    files = GuardFiles([guard], protect)
    files.first()
    assert files.changed() is None
    with guard.open("a") as file:
        file.write("park.example\n")
    edited = files.changed()
    assert edited is not None
    assert edited.guard.guarded("park.example")
    assert edited.problems == ()
    assert edited.look_alikes.of("paypa1.com")
    protect.write_text("paypal.com\nschool.example\n")
    edited = files.changed()
    assert edited is not None
    assert edited.look_alikes.of("schoo1.example") == "school.example"
    assert edited.guard.guarded("park.example")
    assert files.changed() is None


@pytest.mark.parametrize("text", [None, "", "{", '{"list": ["a"], "type": "regex"}', "town.example\n"])
def test_what_can_not_be_used_or_lost_most_keeps_what_was_guarded_and_says_so_once(
    guard: Path, text: str | None
) -> None:
    files = GuardFiles([guard])
    files.first()
    if text is None:
        guard.unlink()
    else:
        guard.write_text(text)
    edited = files.changed()
    assert edited is not None
    assert edited.guard.guarded("school.example")
    (problem,) = edited.problems
    assert problem.startswith("the old entries of guard.txt stay in force: ")
    assert files.changed() is None
    guard.write_text("school.example\nlibrary.example\n")
    edited = files.changed()
    assert edited is not None
    assert (edited.problems, edited.guard.guarded("town.example")) == ((), None)


def large(path: Path, *more: str) -> Path:
    path.write_text(
        "".join(f"h{number}.common.example\n" for number in range(LARGE_BYTES // 15)) + "\n".join(more)
    )
    return path


def test_a_large_file_is_read_by_another_process_and_says_the_same(tmp_path: Path) -> None:
    big = large(tmp_path / "big.txt", "school.example", "???", "10.0.0.0/8")
    files = GuardFiles([big])
    read = files.first()
    names = LARGE_BYTES // 15 + 2
    assert len(read.guard) == names
    assert read.guard.guarded("www.school.example") == (
        "www.school.example is below school.example, which is too common to block (big.txt)"
    )
    assert read.guard.guarded("10.1.2.3")
    large(big, "library.example")
    edited = files.changed()
    assert edited is not None
    assert edited.guard.guarded("library.example")
    assert len(edited.guard) == names - 1
    big.write_text("{" + " " * LARGE_BYTES)
    edited = files.changed()
    assert edited is not None
    assert edited.problems == (
        "the old entries of big.txt stay in force: not JSON, though it begins like it",
    )
    assert edited.guard.guarded("library.example")


def test_what_reads_a_large_file_may_be_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = GuardFiles([large(tmp_path / "big.txt")])
    files.first()
    large(tmp_path / "big.txt", "library.example")
    monkeypatch.setattr("sys.executable", "/bin/false")
    edited = files.changed()
    assert edited is not None
    assert edited.problems == ("the old entries of big.txt stay in force: what reads it ended with 1",)
    assert len(edited.guard) == LARGE_BYTES // 15
