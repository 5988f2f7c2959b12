"""What is new, pushed to every page that is open: the archive is followed and rendered once, for all."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from vedette_archive import Cursor, FollowedAlert, OtherArchiveError
from vedette_schemas import Alert, Severity, VedetteError

from .archives import Archives
from .turns import TooMuchError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.04
"""How often the archive is asked for its newest alert while a page is open: a look takes 20 µs."""

MOST_A_SECOND = 100
"""Alerts beyond that are counted, not shown, the gravest of each look being shown first."""

MOST_CAUGHT_UP = 100
MOST_STREAMS, MOST_OF_ONE = 500, 100
"""Pages that are kept current at once, and of them those of one account."""

ARGUMENTS = ("", "act")
"""What may stand behind the name of a part: each other one would be rendered for one page alone."""

_LOOK_AGAIN_SECONDS = 1.0
_REGIONS_SECONDS = 1.0
_REGIONS_ANYWAY_SECONDS = 5.0
_PULSE_SECONDS = 15.0
_MOST_AT_ONCE = 500
_MOST_HELD = 200
_ORDER = tuple(Severity)

Region = Callable[[Archives, str], Markup]
"""Renders a part of a page that is kept current; the text is what its name has behind a colon."""


class TooManyError(TooMuchError):
    """No more pages can be kept current."""


_PULSE = b": still here\n\n"


def event(name: str, said: object, cursor: Cursor | None = None) -> bytes:
    """Return an event as the wire has it; whoever has heard it has come as far as `cursor`."""
    place = "" if cursor is None else f"id: {written(cursor)}\n"
    return f"{place}event: {name}\ndata: {json.dumps(said)}\n\n".encode()


@dataclass(eq=False, slots=True)
class Listener:
    """A page that is open. What it is told goes straight into its connection, by no task of its own."""

    regions: tuple[str, ...]
    account: str = ""
    is_welcome: Callable[[], bool] = lambda: True
    over: asyncio.Event = field(default_factory=asyncio.Event)
    shown: dict[str, str] = field(default_factory=dict[str, str])
    held: list[bytes] = field(default_factory=list[bytes])
    _push: Callable[[bytes], bool] | None = None

    def begin(self, push: Callable[[bytes], bool]) -> None:
        """Push what there is, and from now on what comes; `push` tells whether it was taken."""
        self._push = push
        for event in self.held:
            self.put(event)
        self.held.clear()

    def put(self, event: bytes) -> None:
        """Tell it; who does not keep up is sent away, and catches up when it comes back."""
        if self._push is None and len(self.held) < _MOST_HELD:
            self.held.append(event)
        elif self._push is None or self.over.is_set() or not self._push(event):
            self.over.set()


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
        self._changed, self._somebody_is_new = True, False
        self._complained = ""

    def knows(self, region: str) -> bool:
        """Tell whether there is a region of that name."""
        name, colon, argument = region.partition(":")
        return name in self._regions and argument in ARGUMENTS and bool(colon) == bool(argument)

    def render(self, region: str) -> Markup:
        """Render a region, for a page's first sight of it."""
        name, _, argument = region.partition(":")
        return self._regions[name](self._archives, argument)

    def close(self) -> None:
        """Send everybody away: we are going to end."""
        self._closed = True
        for listener in self._listeners:
            listener.over.set()
        self._wake.set()

    async def listen(
        self, after: Cursor | None, regions: Sequence[str], is_welcome: Callable[[], bool], account: str = ""
    ) -> Listener:
        """Tell a page what is new after a cursor, as Server-Sent Events, once it begins and until it leaves.

        `is_welcome` is asked now and then, in a thread, whether they still may. Raise `TooManyError`.
        """
        of_one = sum(1 for each in self._listeners if account and each.account == account)
        if len(self._listeners) >= MOST_STREAMS or of_one >= MOST_OF_ONE:
            raise TooManyError("too many pages are open: this one does not renew itself")
        listener = Listener(tuple(regions), account, is_welcome)
        self._listeners.add(listener)
        try:
            # In this order nothing is missed: what comes from here on is held, what was before caught up.
            newest = await run_in_threadpool(self._newest)
            self._cursor = self._cursor or newest
            listener.held.insert(0, b"retry: 1000\n" + await run_in_threadpool(self._caught_up, after))
        except BaseException:
            self.leave(listener)
            raise
        self._somebody_is_new = True
        self._wake.set()
        if self._closed:
            listener.over.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners.discard(listener)

    async def follow(self) -> None:
        """Follow until cancelled."""
        rendered = pulse = 0.0
        while not self._closed:
            if not self._listeners:
                self._cursor = None
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._look()
                due = _REGIONS_SECONDS if self._changed else _REGIONS_ANYWAY_SECONDS
                if time.monotonic() - rendered >= due or self._somebody_is_new:
                    rendered, self._changed, self._somebody_is_new = time.monotonic(), False, False
                    await self._renew_regions()
                if time.monotonic() - pulse >= _PULSE_SECONDS:
                    pulse = time.monotonic()
                    for listener in await run_in_threadpool(self._unwelcome):
                        listener.over.set()
                    self._tell(_PULSE)
                if self._complained:
                    self._complained = ""
                    self._tell(event("well", {}))
            except VedetteError as error:
                if str(error) != self._complained:
                    self._complained = str(error)
                    log.warning("%s", error)
                self._tell(event("trouble", {"words": str(error)}))
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            except Exception:  # one page's mistake must not leave all others behind
                log.exception("following the archive failed")
                self._complained = "the console's log says what went wrong"
                self._tell(event("trouble", {"words": self._complained}))
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
                self._tell(event("reload", {}, newest))
                return
        self._changed = True
        self._cursor = found[-1].cursor if found else newest
        if found:
            self._tell(self._event(found, self._cursor))

    def _event(self, found: Sequence[FollowedAlert], cursor: Cursor) -> bytes:
        now = time.monotonic()
        if now - self._second >= 1.0:
            self._left, self._second = MOST_A_SECOND, now
        shown, folded = _folded(found, self._left)
        self._left -= len(shown)
        return event("alerts", self._news(shown, folded), cursor)

    def _news(self, shown: Sequence[Alert], folded: Mapping[str, int]) -> dict[str, object]:
        rows = [{"id": str(alert.id), "host": alert.host, "html": self._row(alert)} for alert in shown]
        return {"rows": rows, "folded": folded}

    def _newest(self) -> Cursor:
        with self._archives.reading() as reader:
            return reader.newest_cursor()

    def _caught_up(self, after: Cursor | None) -> bytes:
        """Return what a page has missed; without a cursor, only from where it goes on."""
        with self._archives.reading() as reader:
            newest = reader.newest_cursor()
            if after is None:
                return event("alerts", self._news((), {}), newest)
            if after.archive != newest.archive or after.sequence > newest.sequence:
                return event("reload", {}, newest)
            found = reader.alerts_after(after, MOST_CAUGHT_UP + 1)
            missed = newest.sequence - after.sequence
            if len(found) > MOST_CAUGHT_UP:
                found = list(reversed(reader.newest_alerts(MOST_CAUGHT_UP)))
        folded = {"earlier": missed - len(found)} if missed > len(found) > 0 else {}
        return event("alerts", self._news([each.alert for each in found], folded), newest)

    def _unwelcome(self) -> list[Listener]:
        return [each for each in tuple(self._listeners) if not each.is_welcome()]

    async def _renew_regions(self) -> None:
        """Render each region that an open page has, and push what differs from what it shows."""
        wanted = {name for listener in self._listeners for name in listener.regions}
        rendered = await run_in_threadpool(self._rendered, sorted(wanted))
        news = {name: event("region", {"region": name, "html": html}) for name, html in rendered.items()}
        for listener in self._listeners:
            for name in listener.regions:
                html = rendered.get(name)
                if html is not None and listener.shown.get(name) != html:
                    listener.shown[name] = html
                    listener.put(news[name])

    def _rendered(self, names: Sequence[str]) -> dict[str, str]:
        return {name: str(self.render(name)) for name in names}

    def _tell(self, told: bytes) -> None:
        for listener in self._listeners:
            listener.put(told)


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
