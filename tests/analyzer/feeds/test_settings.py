"""What `feeds.toml` may say, and the line that tells what is wrong with it."""

from pathlib import Path

import pytest
from vedette_analyzer.feeds.settings import FeedsSettings
from vedette_indicators import IndicatorType, ListAction
from vedette_indicators.formats import Columns
from vedette_schemas import SettingsError
from vedette_transport import load_settings


def load(folder: Path, text: str) -> FeedsSettings:
    path = folder / "feeds.toml"
    path.write_text(text)
    return load_settings(FeedsSettings, path)


def test_a_feed_only_alerts_until_its_ceiling_is_raised(tmp_path: Path) -> None:
    found = load(
        tmp_path, '[feed.x]\nsource = "https://key:word@x.test/secret?k=1"\nformat = "hosts"\n'
    ).feed["x"]
    assert (found.ceiling, found.private, found.refresh_minutes) == (ListAction.ALERT, False, 60)
    assert found.shown_source == "https://x.test"


def test_columns(tmp_path: Path) -> None:
    text = """
[feed.x]
source = "x.csv"
format = "csv"
columns = { value = "ioc", type_of_all = "host", note = ["family", 3], delimiter = ";" }
"""
    columns = load(tmp_path, text).feed["x"].columns
    assert columns is not None
    assert columns.columns() == Columns({"ioc": IndicatorType.HOST}, None, ("family", 3), ";")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('format = "hosts"\nsource = "ftp://x.test/"', "'feed.x.source': Value error, give a file, or a URL"),
        ('format = "hosts"\nsource = "http://"', "'feed.x.source': Value error, give a file, or a URL"),
        ('format = "hosts"\nsource = "http://x.test:99999/"', "'feed.x.source': "),
        ('format = "word"\nsource = "x"', "'feed.x.format': Input should be 'hosts'"),
        ('format = "csv"\nsource = "x"', "'feed.x': Value error, 'columns' are to be given"),
        ('format = "hosts"\nsource = "x"\nceiling = "allow"', "'feed.x.ceiling': Input should be"),
        ('format = "hosts"\nsource = "x"\nrefresh = 3', "unknown setting 'feed.x.refresh'"),
        ('format = "hosts"\nsource = "x"\nrefresh_minutes = 0', "'feed.x.refresh_minutes': Input should be"),
        ('format = "hosts"', "'feed.x.source': Field required"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, f"[feed.x]\n{line}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'feeds.toml'}: {why}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["'../x'", "X", "''", "'a b'", f"'{'x' * 41}'"])
def test_a_name_is_one_that_files_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="feed"):
        load(tmp_path, f'[feed.{name}]\nsource = "x"\nformat = "hosts"\n')


def test_the_example_in_the_guide_can_be_used(tmp_path: Path) -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "FEEDS.md").read_text()
    example = guide.partition("```toml\n")[2].partition("```")[0]
    feeds = load(tmp_path, example).feed
    assert {name for name, feed in feeds.items() if feed.ceiling is not ListAction.ALERT} == {"drop"}
