"""The program that hunts, as the analyzer sees it: its words, its deaths, and what comes of them."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from vedette_analyzer.hunting.child import Hunted, Hunter
from vedette_analyzer.hunting.said import Ended, Hit, Progress
from vedette_analyzer.hunting.telling import name_of
from vedette_analyzer.work import Then
from vedette_archive import Hidden
from vedette_schemas import Alert, Scope, Severity, Suppress
from vedette_transport import Call, Inbox

from tests import messages
from tests.analyzer.archived import Site as Archived
from tests.analyzer.hunting.world import Site, batch
from tests.messages import NOON, at

pytestmark = pytest.mark.system

LURE = "host,lure.test,block,high,,,,"
MANY = 100_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.listed("host,known.test,,,,,,")
    yield site
    site.writer.close()


@pytest.fixture
def stopping() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    for child in programs():
        child.send_signal(signal.SIGKILL)


def programs() -> list[psutil.Process]:
    """The programs that hunt and that we started."""
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        try:
            if "vedette_analyzer.hunting" in child.cmdline():
                found.append(child)
        except psutil.Error:  # it has just ended
            continue
    return found


class Told:
    """What a hunter puts into the inbox, and what is made of it."""

    def __init__(self, site: Site, stopping: threading.Event) -> None:
        self.inbox = Inbox()
        self.hunter = Hunter(site.archive, site.generations, self.inbox)
        self.hunter.start(stopping)

    def next(self) -> Hunted:
        event = self.inbox.get(timeout=60)
        assert isinstance(event, Call)
        assert isinstance(event.result, Hunted)
        return event.result

    def until_ended(self) -> list[Hunted]:
        found = [self.next()]
        while not isinstance(found[-1].said, Ended | None):
            found.append(self.next())
        return found


def names(found: list[Hunted]) -> list[str]:
    return [str(name_of(each.said)) for each in found if isinstance(each.said, Hit)]


def test_it_hunts_for_one_change_after_the_other_once_all_is_archived(
    site: Site, stopping: threading.Event
) -> None:
    site.seen(messages.clipboard("lure.test and other.test"))
    told = Told(site, stopping)
    told.hunter.hunt(site.listed(LURE) or 0)
    first = told.until_ended()
    told.hunter.hunt(site.listed(LURE, "host,other.test,,,,,,") or 0)
    assert told.inbox.empty()
    for each in first:
        for effect in told.hunter.take(each, NOON, lambda hit, now: iter(())):
            assert isinstance(effect, Then)
            effect.do()
    second = told.until_ended()
    assert len(names(first)) == len(names(second)) == 1
    assert names(first) != names(second)
    assert told.hunter.fact.startswith("on: searched for 1 new entry at 2026-11-21T12:00:00Z: 1 found")


def test_one_that_is_killed_is_started_again_and_tells_the_same(
    site: Site, stopping: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette_analyzer.hunting.child.RETRY_SECONDS", 0.01)
    site.seen(messages.clipboard("lure.test"), host="host-1")
    many = (messages.clipboard("lure.test" if n == 0 else "nothing") for n in range(MANY))
    site.writer.store(batch(many, "host-2"))
    told = Told(site, stopping)
    told.hunter.hunt(site.listed(LURE) or 0)
    found = [told.next()]
    while not isinstance(found[-1].said, Hit):
        found.append(told.next())
    os.kill(programs()[0].pid, signal.SIGKILL)
    found += told.until_ended()
    assert isinstance(found[-1].said, Ended)
    assert found[-1].said.hits == 2
    assert len(names(found)) == 3
    assert len(set(names(found))) == 2
    assert any(isinstance(each.said, Progress) for each in found)


def test_where_the_archive_can_not_be_read_it_gives_up_and_says_so(
    site: Site, stopping: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette_analyzer.hunting.child.RETRY_SECONDS", 0.01)
    wanted = site.listed(LURE) or 0
    site.writer.close()
    site.archive.write_bytes(b"no archive" * 1_000)
    told = Told(site, stopping)
    told.hunter.hunt(wanted)
    (failed,) = told.until_ended()
    assert failed == Hunted(wanted, None)
    (alert,) = told.hunter.take(failed, NOON, lambda hit, now: iter(()))
    assert isinstance(alert, Alert)
    assert (alert.detector, alert.severity) == ("hunt", Severity.MEDIUM)
    assert told.hunter.fact.startswith("off: ")
    assert site.generations.begin(wanted) == 1  # still to be hunted for


def test_what_is_suppressed_is_hidden_and_nothing_is_ordered(site: Site, tmp_path: Path) -> None:
    site.seen(messages.clipboard("lure.test"))
    site.seen(messages.clipboard("lure.test"), host="host-8")
    site.hunt(site.listed(LURE) or 0)
    (tmp_path / "other").mkdir()
    judging = Archived(tmp_path / "other", LURE)
    judging.act(Suppress(scope=Scope(host="host-7"), ttl_seconds=600, reason="ours"))
    seven, eight = (list(judging.analyzer.found_later(hit, at(4))) for hit in site.hits)
    judging.close()
    (hidden,), (told,) = seven, eight
    assert isinstance(hidden, Hidden)
    assert hidden.alert.found_later == site.hits[0].found
    assert isinstance(told, Alert)
    assert (told.action, told.command_id) == ("alert", None)
