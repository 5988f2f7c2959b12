"""When the notifier is started: by its settings, which may come later and be wrong at first."""

from pathlib import Path

from vedette_console.telling import Telling


def test_without_settings_it_is_not(tmp_path: Path) -> None:
    assert not Telling(tmp_path / "notify.toml").is_due()


def test_it_is_once_for_each_state_of_them(tmp_path: Path) -> None:
    path = tmp_path / "notify.toml"
    telling = Telling(path)
    path.write_text("wrong")
    assert [telling.is_due() for _ in range(3)] == [True, False, False]
    path.write_text("right now")
    assert [telling.is_due() for _ in range(2)] == [True, False]
    path.unlink()
    assert not telling.is_due()
    path.write_text("right now")
    assert telling.is_due()


def test_only_those_of_the_beginning_are_as_at_first(tmp_path: Path) -> None:
    path = tmp_path / "notify.toml"
    path.write_text("of the beginning")
    telling = Telling(path)
    assert telling.is_due()
    assert telling.is_as_at_first
    path.write_text("and another")
    assert not telling.is_as_at_first
