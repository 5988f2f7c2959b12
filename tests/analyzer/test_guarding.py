from pathlib import Path

import pytest
from vedette_analyzer.guarding import guard_of, protected
from vedette_schemas import SettingsError


def test_several_files_are_one_guard_and_bad_lines_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("# ours\nschool.example\n???\n")
    (tmp_path / "misp.json").write_text('{"name": "Top", "list": ["google.com"]}')
    guard = guard_of([tmp_path / "own.txt", tmp_path / "misp.json"])
    assert guard.guarded("www.school.example")
    assert guard.guarded("google.com") == "google.com is too common to block (Top)"
    assert guard_of([]).guarded("google.com") is None


def test_what_is_protected_is_a_list_of_names(tmp_path: Path) -> None:
    (tmp_path / "protect.txt").write_text("paypal.com\n192.0.2.7\n")
    look_alikes = protected(tmp_path / "protect.txt")
    assert look_alikes.of("paypa1.com") == "paypal.com"
    assert len(look_alikes) == 1
    assert len(protected(None)) == 0


@pytest.mark.parametrize("text", [None, "{", '{"list": ["a"], "type": "regex"}'])
def test_a_file_that_can_not_be_used_ends_the_program_with_its_name(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "guard.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingsError, match=r"guard\.json"):
        guard_of([path])
