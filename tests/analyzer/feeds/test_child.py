"""What keeps feeds, as the analyzer sees it: lists to watch, troubles, started again when it dies."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from vedette_analyzer.feeds.child import FeedKeeper
from vedette_analyzer.feeds.trouble import FeedTrouble
from vedette_analyzer.watch import ListFiles
from vedette_schemas import SettingsError
from vedette_transport import Call, Event, Inbox

from tests.analyzer.feeds.test_feed import hosts
from tests.analyzer.feeds.test_program import until
from tests.analyzer.lists import HEADER

NEW = "[feed.y]\nsource = 'list.txt'\nformat = 'hosts'\n"

pytestmark = pytest.mark.system


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "list.txt").write_text(hosts(10))
    path = tmp_path / "feeds.toml"
    path.write_text("[feed.x]\nsource = 'list.txt'\nformat = 'hosts'\n")
    return path


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    end()


def children() -> list[psutil.Process]:
    """The programs that keep feeds and that we started."""
    return [child for child in psutil.Process().children() if keeps_feeds(child)]


def keeps_feeds(program: psutil.Process) -> bool:
    try:
        return "vedette_analyzer.feeds" in program.cmdline()
    except psutil.Error:  # it has just ended
        return False


def end() -> None:
    for child in children():
        child.send_signal(signal.SIGKILL)


def told(event: Event) -> FeedTrouble:
    assert isinstance(event, Call)
    assert isinstance(event.result, FeedTrouble)
    return event.result


def test_a_feed_is_a_list_that_may_shrink(settings: Path, stopping: threading.Event) -> None:
    keeper, inbox = FeedKeeper(settings, settings.parent / "feeds"), Inbox()
    own = settings.parent / "own.csv"
    own.write_text(HEADER)
    files = ListFiles([own], settings.parent / "compiled", keeper.lists)
    assert files.first().entries == 0
    keeper.start(inbox, stopping, files)
    until(lambda: (reading := files.changed()) is not None and reading.entries == 10)
    (settings.parent / "list.txt").write_text(hosts(3))
    trouble = told(inbox.get())
    assert "3 entries where there were 10" in trouble.summary
    (settings.parent / "feeds" / "x.accept").write_text(trouble.key.rpartition("|")[2])
    until(lambda: (reading := files.changed()) is not None and reading.entries == 3)


def test_an_edit_of_the_settings_counts_at_once(settings: Path, stopping: threading.Event) -> None:
    keeper, inbox = FeedKeeper(settings, settings.parent / "feeds"), Inbox()
    files = ListFiles([], settings.parent / "compiled", keeper.lists)
    keeper.start(inbox, stopping, files)
    until(lambda: (reading := files.changed()) is not None and reading.entries == 10)
    settings.write_text(settings.read_text() + "ceiling = 'bloc'\n")
    assert "feeds go on as they are" in told(inbox.get()).summary
    (settings.parent / "list.txt").write_text(hosts(12))
    settings.write_text(settings.read_text().replace("'bloc'", "'block'") + NEW)
    assert told(inbox.get()).summary == "feed y: new; its entries are in force as soon as it is fetched"
    until(lambda: ",block,medium," in keeper.lists[0].read_text())
    until(lambda: (reading := files.changed()) is not None and reading.entries == 24)
    settings.write_text(NEW)
    assert told(inbox.get()).summary == "feed x: taken out; its entries are in force no more"
    until(lambda: (reading := files.changed()) is not None and reading.entries == 12)


def test_when_it_dies_it_is_said_and_it_is_started_again(settings: Path, stopping: threading.Event) -> None:
    keeper, inbox = FeedKeeper(settings, settings.parent / "feeds"), Inbox()
    keeper.start(inbox, stopping, ListFiles([], feeds=keeper.lists))

    def ours() -> list[psutil.Process]:  # the one before may be about to end
        return [child for child in children() if str(settings) in child.cmdline()]

    until(ours)
    os.kill(ours()[0].pid, signal.SIGKILL)
    assert "has ended (-9) and is started again" in told(inbox.get()).summary
    until(ours)


def test_when_it_can_not_go_on_it_is_started_again_once_its_settings_are_mended(
    settings: Path, stopping: threading.Event
) -> None:
    keeper, inbox = FeedKeeper(settings, settings.parent / "feeds"), Inbox()
    files, good = ListFiles([], feeds=keeper.lists), settings.read_text()
    files.first()
    settings.write_text("[feed.x]\n")
    keeper.start(inbox, stopping, files)
    assert "has ended (2) and can't go on" in told(inbox.get()).summary
    assert not children()
    settings.write_text(good)
    until(lambda: (reading := files.changed()) is not None and reading.entries == 10)


def test_what_can_not_be_used_is_said_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("[feed.x]\n")
    with pytest.raises(SettingsError, match=r"feeds.toml: 'feed.x.source': Field required"):
        FeedKeeper(tmp_path / "feeds.toml", tmp_path / "feeds")
    assert FeedKeeper(None, tmp_path / "feeds").lists == ()
