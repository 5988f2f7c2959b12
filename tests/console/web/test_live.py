"""What open pages are told: nothing is missed, what comes too fast is counted, who is too slow comes back."""

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from vedette_archive import Batch, Cursor, Writer
from vedette_console.web.archives import Archives
from vedette_console.web.live import (
    MOST_A_SECOND,
    MOST_CAUGHT_UP,
    MOST_STREAMS,
    Listener,
    Live,
    TooManyError,
    read_cursor,
    written,
)
from vedette_schemas import Alert, Severity

from tests.archive.history import alert

Told = dict[str, Any]


def played(scene: Coroutine[Any, Any, None]) -> None:
    """Play a scene in a thread of its own: Playwright has a loop in ours."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, scene).result()


def row(each: Alert) -> Markup:
    return Markup("<li>{}</li>").format(each.summary)


class Watched:
    """An archive that somebody writes to, followed for pages."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "archive.db"
        self.writer = Writer(self.path)
        self.live = Live(Archives(self.path), row, {"count": lambda _, kind: Markup(f"<b>{kind}</b>")})
        self.number = 0

    def tell(self, count: int = 1, severity: Severity = Severity.LOW) -> None:
        first, self.number = self.number + 1, self.number + count
        told = tuple(alert(number, severity=severity) for number in range(first, self.number + 1))
        self.writer.store(Batch(alerts=told))

    async def page(self, after: Cursor | None = None, *regions: str, welcome: bool = True) -> "Page":
        return Page(self.live, await self.live.listen(after, regions, lambda: welcome))

    async def told_page(self, after: Cursor | None = None, *regions: str) -> "Page":
        """Return a page that was told what it missed."""
        page = await self.page(after, *regions)
        await page.next("alerts", "reload")
        return page


class Page:
    """What one page was told."""

    def __init__(self, live: Live, listener: Listener) -> None:
        self.cursor: Cursor | None = None
        self.last: Told = {}
        self.listener = listener
        self.leave = partial(live.leave, listener)
        self.takes = True
        self._told: asyncio.Queue[bytes] = asyncio.Queue()
        listener.begin(self._push)

    def _push(self, event: bytes) -> bool:
        self._told.put_nowait(event)
        return self.takes

    async def next(self, *wanted: str) -> Told:
        """Return the next event of these names."""
        async with asyncio.timeout(10):
            while True:
                chunk = await self._told.get()
                lines = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
                if "id" in lines:
                    self.cursor = read_cursor(lines["id"])
                if lines.get("event") in wanted:
                    self.last = json.loads(lines["data"])
                    return self.last

    async def over(self) -> None:
        """Wait until it is sent away."""
        async with asyncio.timeout(10):
            await self.listener.over.wait()

    async def shown(self, count: int) -> tuple[int, int]:
        """Return how many rows came, and how many were folded, until that many are accounted for."""
        rows = folded = 0
        while rows + folded < count:
            told = await self.next("alerts")
            rows, folded = rows + len(told["rows"]), folded + sum(told["folded"].values())
        return rows, folded


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


async def following(watched: Watched) -> "asyncio.Task[None]":
    return asyncio.create_task(watched.live.follow())


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_each_page_is_told_what_is_new_once(watched: Watched) -> None:
    async def scene() -> None:
        task = await following(watched)
        pages = [await watched.told_page() for _ in range(3)]
        watched.tell()
        for page in pages:
            told = await page.next("alerts")
            assert [each["html"] for each in told["rows"]] == [f"<li>{alert(1).summary}</li>"]
        await ended(task)

    played(scene())


def test_a_page_that_was_away_is_told_what_it_missed(watched: Watched) -> None:
    async def scene() -> None:
        watched.tell(3)
        task = await following(watched)
        page = await watched.told_page()
        seen = page.cursor
        page.leave()
        watched.tell(5)
        back = await watched.told_page(seen)
        assert [each["id"] for each in back.last["rows"]] == [str(alert(number).id) for number in range(4, 9)]
        await ended(task)

    played(scene())


def test_who_missed_too_much_is_told_the_last_of_it_and_how_much_it_was(watched: Watched) -> None:
    async def scene() -> None:
        watched.tell()
        first = await watched.told_page()
        watched.tell(MOST_CAUGHT_UP + 50)
        back = await watched.told_page(first.cursor)
        assert len(back.last["rows"]) == MOST_CAUGHT_UP
        assert back.last["rows"][-1]["id"] == str(alert(watched.number).id)
        assert back.last["folded"] == {"earlier": 50}

    played(scene())


def test_what_comes_too_fast_is_counted_the_gravest_being_shown(watched: Watched) -> None:
    async def scene() -> None:
        task = await following(watched)
        page = await watched.told_page()
        low, high = tuple(alert(n) for n in range(1, 400)), alert(400, severity=Severity.CRITICAL)
        watched.writer.store(Batch(alerts=(*low, high)))
        told = await page.next("alerts")
        assert len(told["rows"]) == MOST_A_SECOND
        assert str(high.id) in {each["id"] for each in told["rows"]}
        assert sum(told["folded"].values()) == 400 - MOST_A_SECOND
        await ended(task)

    played(scene())


def test_nothing_is_missed_by_who_comes_while_much_is_told(watched: Watched) -> None:
    async def scene() -> None:
        task = await following(watched)
        cursor = (await watched.told_page()).cursor
        for _ in range(20):
            watched.tell(2)
            await asyncio.sleep(0)
        page = await watched.told_page(cursor)
        seen = {each["id"] for each in page.last["rows"]}
        watched.tell(2)
        while len(seen) < watched.number:
            seen |= {each["id"] for each in (await page.next("alerts"))["rows"]}
        assert seen == {str(alert(number).id) for number in range(1, watched.number + 1)}
        await ended(task)

    played(scene())


def test_another_archive_in_its_place_is_told(watched: Watched) -> None:
    async def scene() -> None:
        page = await watched.told_page(Cursor("0123456789abcdef", 7))
        assert page.last == {}

    played(scene())


def test_a_region_is_sent_once_as_long_as_it_stays_the_same(watched: Watched) -> None:
    async def scene() -> None:
        task = await following(watched)
        page = await watched.told_page(None, "count:act")
        assert await page.next("region") == {"region": "count:act", "html": "<b>act</b>"}
        watched.tell()
        await page.next("alerts")
        await asyncio.sleep(1.2)  # another would have come with the next look at regions
        watched.tell()
        await page.next("alerts")
        assert page.last["rows"]
        await ended(task)

    played(scene())


def test_who_is_no_longer_welcome_is_sent_away(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette_console.web.live._PULSE_SECONDS", 0.05)

    async def scene() -> None:
        task = await following(watched)
        welcome, page = await watched.page(), await watched.page(welcome=False)
        await page.over()
        assert not welcome.listener.over.is_set()
        await ended(task)

    played(scene())


def test_who_does_not_keep_up_is_sent_away(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette_console.web.live._MOST_HELD", 3)

    async def scene() -> None:
        task = await following(watched)
        slow, page = await watched.told_page(), await watched.told_page()
        slow.takes = False
        watched.tell()
        await page.next("alerts")
        await slow.over()
        waiting = await watched.live.listen(None, (), lambda: True)  # its browser takes no answer at all
        while not waiting.over.is_set():
            watched.tell()
            await page.next("alerts")
        assert not page.listener.over.is_set()
        await ended(task)

    played(scene())


def test_all_are_sent_away_at_the_end_and_no_more_than_can_be_served_are_let_in(watched: Watched) -> None:
    async def scene() -> None:
        pages = [await watched.told_page() for _ in range(3)]
        watched.live.close()
        for page in (*pages, await watched.page()):
            await page.over()
        crowd = (Listener((), str(number)) for number in range(MOST_STREAMS))
        watched.live._listeners.update(crowd)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(TooManyError):
            await watched.told_page()

    played(scene())


def test_that_the_archive_can_not_be_read_is_told_and_that_it_can_again(watched: Watched) -> None:
    async def scene() -> None:
        task = await following(watched)
        page = await watched.told_page()
        elsewhere = watched.path.rename(watched.path.with_name("moved.db"))
        assert "is not there" in (await page.next("trouble"))["words"]
        elsewhere.rename(watched.path)
        await page.next("well")
        watched.tell()
        assert (await page.next("alerts"))["rows"]
        await ended(task)

    played(scene())


def test_an_archive_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    async def scene() -> None:
        live = Live(Archives(tmp_path / "archive.db"), row, {})
        with pytest.raises(Exception, match="is not there"):
            await live.listen(None, (), lambda: True)

    played(scene())


@pytest.mark.parametrize("text", ["", ":", "x", "a:b", "a:-1", "a:1:2", "ä:²", "a" * 80 + ":1", "../x:1"])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert read_cursor(text) is None


def test_a_cursor_is_read_as_it_was_written() -> None:
    assert read_cursor(written(Cursor("0123456789abcdef", 7))) == Cursor("0123456789abcdef", 7)
