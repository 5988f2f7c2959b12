"""What is new, pushed to every page that is open: the archive is followed and rendered once, for all."""

import asyncio
import contextlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from vedette_archive import Cursor, FollowedAlert, OtherArchiveError
from vedette_schemas import Alert, Severity, VedetteError

from .archives import Archives

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.02
"""How often the archive is asked for its newest alert while a page is open: a look takes 20 µs."""

MOST_A_SECOND = 100
"""Alerts beyond that are counted, not shown, the gravest of each look being shown first."""

MOST_CAUGHT_UP = 100
MOST_STREAMS = 500

_LOOK_AGAIN_SECONDS = 1.0
_REGIONS_SECONDS = 1.0
_REGIONS_ANYWAY_SECONDS = 5.0
_PULSE_SECONDS = 15.0
_MOST_AT_ONCE = 500
_MOST_UNSENT = 200
_ORDER = tuple(Severity)

Region = Callable[[Archives, str], Markup]
"""Renders a part of a page that is kept current; the text is what its name has behind a colon."""


class TooManyError(VedetteError):
    """No more pages can be kept current."""


class Event(NamedTuple):
    """What a page is told: a name, its data, and how far a page that has it has come."""

    name: str
    data: str
    cursor: Cursor | None = None

    def encoded(self) -> bytes:
        """Return it as the wire has it; `data` is one line of JSON."""
        name = "" if self.cursor is None else f"id: {written(self.cursor)}\n"
        return f"{name}event: {self.name}\ndata: {self.data}\n\n".encode()


@dataclass(eq=False, slots=True)
class Listener:
    """A page that is open."""

    regions: tuple[str, ...]
    events: "asyncio.Queue[Event | None]" = field(default_factory=lambda: asyncio.Queue(_MOST_UNSENT))
    shown: dict[str, str] = field(default_factory=dict[str, str])
    is_behind: bool = False

    def put(self, event: Event | None) -> None:
        """Queue an event; who does not keep up is sent away, and catches up when it comes back."""
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            self.is_behind = True


class Live:
    """Follows the archive as long as somebody listens."""

    def __init__(
        self, archives: Archives, row: Callable[[Alert], Markup], regions: Mapping[str, Region]
    ) -> None:
        """`row` renders an alert, `regions` the parts of pages, by name."""
        self._archives, self._row, self._regions = archives, row, regions
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()
        self._closed = False
        self._cursor: Cursor | None = None
        self._left, self._second = MOST_A_SECOND, 0.0
        self._changed = True
        self._complained = ""

    def knows(self, region: str) -> bool:
        """Tell whether there is a region of that name."""
        return region.partition(":")[0] in self._regions

    def render(self, region: str) -> Markup:
        """Render a region, for a page's first sight of it."""
        name, _, argument = region.partition(":")
        return self._regions[name](self._archives, argument)

    def close(self) -> None:
        """Send everybody away: we are going to end."""
        self._closed = True
        for listener in self._listeners:
            listener.put(None)
        self._wake.set()

    async def listen(
        self, after: Cursor | None, regions: Sequence[str], is_welcome: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """Yield what is new after a cursor, as Server-Sent Events.

        `is_welcome` is asked now and then whether whoever listens still may. Raise `TooManyError`.
        """
        if len(self._listeners) >= MOST_STREAMS:
            raise TooManyError("too many pages are open: this one does not renew itself")
        listener = Listener(tuple(regions))
        self._listeners.add(listener)
        try:
            # In this order nothing is missed: what comes from here on is pushed, what was before caught up.
            newest = await run_in_threadpool(self._newest)
            self._cursor = self._cursor or newest
            first = await run_in_threadpool(self._caught_up, after)
            self._wake.set()
            yield b"retry: 1000\n\n"
            yield first.encoded()
            while not self._closed and not listener.is_behind:
                event = await _next(listener)
                if event is not None:
                    yield event.encoded()
                elif self._closed or not await run_in_threadpool(is_welcome):
                    return
                else:
                    yield b": still here\n\n"
        finally:
            self._listeners.discard(listener)

    async def follow(self) -> None:
        """Follow until cancelled."""
        rendered = 0.0
        while not self._closed:
            if not self._listeners:
                self._cursor = None
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._look()
                due = _REGIONS_SECONDS if self._changed else _REGIONS_ANYWAY_SECONDS
                if time.monotonic() - rendered >= due or self._somebody_is_new():
                    rendered, self._changed = time.monotonic(), False
                    await self._renew_regions()
                self._complained = ""
            except VedetteError as error:
                if str(error) != self._complained:
                    self._complained = str(error)
                    log.warning("%s", error)
                self._tell(Event("trouble", json.dumps({"words": str(error)})))
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Push what came since the last look."""
        # In the loop itself: it reads a page that is in memory, and a thread would cost ten times as much.
        with self._archives.reading() as reader:
            newest = reader.newest_cursor()
            if newest == self._cursor:
                return
            try:
                found = [] if self._cursor is None else reader.alerts_after(self._cursor, _MOST_AT_ONCE)
            except OtherArchiveError:
                self._cursor = newest
                self._tell(Event("reload", "{}", newest))
                return
        self._changed = True
        self._cursor = found[-1].cursor if found else newest
        if found:
            self._tell(self._event(found, self._cursor))

    def _event(self, found: Sequence[FollowedAlert], cursor: Cursor) -> Event:
        now = time.monotonic()
        if now - self._second >= 1.0:
            self._left, self._second = MOST_A_SECOND, now
        shown, folded = _folded(found, self._left)
        self._left -= len(shown)
        return Event("alerts", self._as_json(shown, folded), cursor)

    def _as_json(self, shown: Sequence[Alert], folded: Mapping[str, int]) -> str:
        rows = [{"id": str(alert.id), "host": alert.host, "html": self._row(alert)} for alert in shown]
        return json.dumps({"rows": rows, "folded": folded})

    def _newest(self) -> Cursor:
        with self._archives.reading() as reader:
            return reader.newest_cursor()

    def _caught_up(self, after: Cursor | None) -> Event:
        """Return what a page has missed; without a cursor, only from where it goes on."""
        with self._archives.reading() as reader:
            newest = reader.newest_cursor()
            if after is None:
                return Event("alerts", self._as_json((), {}), newest)
            if after.archive != newest.archive or after.sequence > newest.sequence:
                return Event("reload", "{}", newest)
            found = reader.alerts_after(after, MOST_CAUGHT_UP + 1)
            missed = newest.sequence - after.sequence
            if len(found) > MOST_CAUGHT_UP:
                found = list(reversed(reader.newest_alerts(MOST_CAUGHT_UP)))
        folded = {"earlier": missed - len(found)} if missed > len(found) > 0 else {}
        return Event("alerts", self._as_json([each.alert for each in found], folded), newest)

    def _somebody_is_new(self) -> bool:
        return any(set(each.regions) - set(each.shown) for each in self._listeners)

    async def _renew_regions(self) -> None:
        """Render each region that an open page has, and push what differs from what it shows."""
        wanted = {name for listener in self._listeners for name in listener.regions}
        rendered = await run_in_threadpool(self._rendered, sorted(wanted))
        for listener in self._listeners:
            for name in listener.regions:
                html = rendered.get(name, "")
                if listener.shown.get(name) != html:
                    listener.shown[name] = html
                    listener.put(Event("region", json.dumps({"region": name, "html": html})))

    def _rendered(self, names: Sequence[str]) -> dict[str, str]:
        return {name: str(self.render(name)) for name in names}

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener.put(event)


async def _next(listener: Listener) -> Event | None:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(listener.events.get(), _PULSE_SECONDS)
    return None


def _folded(found: Sequence[FollowedAlert], most: int) -> tuple[list[Alert], dict[str, int]]:
    """Return which alerts are shown, in their order, and how many of each severity are not."""
    alerts = list({each.alert.id: each.alert for each in found}.values())
    if len(alerts) <= most:
        return alerts, {}
    gravest = sorted(alerts, key=lambda alert: _ORDER.index(alert.severity), reverse=True)
    kept = {alert.id for alert in gravest[: max(most, 0)]}
    left = Counter(str(alert.severity) for alert in alerts if alert.id not in kept)
    return [alert for alert in alerts if alert.id in kept], dict(left)


def written(cursor: Cursor) -> str:
    """Return a cursor as pages keep it."""
    return f"{cursor.archive}:{cursor.sequence}"


def read_cursor(text: str) -> Cursor | None:
    """Read what `written` wrote; `None` for anything else."""
    archive, _, number = text.partition(":")
    if not (archive.isalnum() and number.isascii() and number.isdecimal() and len(text) <= 64):  # noqa: PLR2004
        return None
    return Cursor(archive, int(number))
