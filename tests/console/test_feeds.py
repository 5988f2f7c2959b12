"""`vedette feeds`: what it shows of each feed, and how what was held back is taken."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner
from vedette_archive import Batch, Writer
from vedette_console import feeds as feeds_module
from vedette_console.__main__ import app
from vedette_console.feeds import table
from vedette_indicators.formats import FeedRecord, HeldBack
from vedette_schemas import Match, SettingsError, Where, encode

from tests.archive.history import alert

NOW = datetime.now(UTC)
HELD = HeldBack(
    since=NOW - timedelta(minutes=3),
    why="4 entries where there were 137,853",
    digest="0" * 64,
    read_as="x",
    entries=4,
)


def record(**changes: Any) -> FeedRecord:
    values: dict[str, Any] = {
        "source": "https://feeds.test",
        "format": "hosts",
        "ceiling": "alert",
        "severity": "medium",
        "refresh_minutes": 60,
        "etag": '"secret"',
        "answered_at": NOW - timedelta(minutes=5),
        "changed_at": NOW - timedelta(days=2),
        "digest": "1" * 64,
        "entries": 137_853,
        **changes,
    }
    return FeedRecord.model_validate(values)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feeds").mkdir()
    return tmp_path


def keep(folder: Path, name: str, **changes: Any) -> None:
    (folder / "feeds" / f"{name}.json").write_bytes(encode(record(**changes)))


def shown(folder: Path, *options: str) -> str:
    return (
        CliRunner().invoke(app, ["feeds", "--folder", str(folder), *options], catch_exceptions=False).stdout
    )


def test_no_feeds(folder: Path) -> None:
    assert "no feeds are kept in" in shown(folder)
    assert shown(folder, "--json") == "[]\n"


def test_each_feed_is_shown_within_80_columns() -> None:
    records = {
        "blackbook": record(refused=1, samples=("line 3: not a host name: 'x[red]'",)),
        "urlhaus": record(held=HELD, ceiling="block"),
        "away": record(away_since=NOW - timedelta(hours=5), trouble="it answers with an error (503)"),
        "new": record(entries=0, digest="", answered_at=None, changed_at=None),
    }
    screen = Console(width=80, file=io.StringIO(), highlight=False)
    screen.print(table(records, {"urlhaus.csv": 12}, NOW, refused=True))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert text == (
        "blackbook  137,853 entries, at most alert, 1 line refused, 0 hits               \n"
        "           https://feeds.test, hosts; asked 5 min ago, changed 2 d ago          \n"
        "             line 3: not a host name: 'x[red]'                                  \n"
        "urlhaus    137,853 entries, at most block, 12 hits                              \n"
        "           https://feeds.test, hosts; asked 5 min ago, changed 2 d ago          \n"
        "           held back 3 min ago: 4 entries where there were 137,853; take it     \n"
        "           with: vedette feeds accept urlhaus                                   \n"
        "away       137,853 entries, at most alert, 0 hits                               \n"
        "           https://feeds.test, hosts; asked 5 min ago, changed 2 d ago          \n"
        "           away, it last answered 5 min ago: it answers with an error (503)     \n"
        "new        0 entries, at most alert, 0 hits                                     \n"
        "           https://feeds.test, hosts; never came                                \n"
    )


def test_hits_are_counted_by_alerts_not_by_how_often_they_were_told(folder: Path) -> None:
    keep(folder, "x")
    match = Match(type="host", value="a.test", subject="a.test", where=Where.TEXT, list="x.csv", line=3)
    with Writer(folder / "archive.db") as writer:
        writer.store(Batch(alerts=(alert(1, match=match), alert(2, match=match), alert(3))))
    (found,) = json.loads(shown(folder, "--json"))
    assert (found["name"], found["hits"], found["entries"], found["held"]) == ("x", 2, 137_853, None)
    assert "secret" not in json.dumps(found)


def test_what_is_no_record_is_passed_over(folder: Path) -> None:
    keep(folder, "x")
    (folder / "feeds" / "y.json").write_text("{}")
    (folder / "feeds" / "z.json").mkdir()
    assert [each["name"] for each in json.loads(shown(folder, "--json"))] == ["x"]
    assert json.loads(shown(folder / "feeds", "--json"))[0]["hits"] is None


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("other", {}, "no such feed"),
        ("../x", {}, "no such feed"),
        ("x", {}, "nothing is held back"),
        ("x", {"held": HELD.model_copy(update={"entries": 0})}, "has no entries to put in force"),
    ],
)
def test_what_can_not_be_accepted_is_said(folder: Path, name: str, changes: dict[str, Any], why: str) -> None:
    keep(folder, "x", **changes)
    with pytest.raises(SettingsError, match=why):
        shown(folder, "accept", name)


def test_what_nobody_takes_is_said_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_module, "TAKEN_SECONDS", 0.0)
    keep(folder, "x", held=HELD)
    ended = CliRunner().invoke(app, ["feeds", "accept", "x", "--folder", str(folder)])
    assert (ended.exit_code, "as soon as the analyzer runs" in ended.stdout) == (1, True)
    assert (folder / "feeds" / "x.accept").read_text() == "0" * 64
