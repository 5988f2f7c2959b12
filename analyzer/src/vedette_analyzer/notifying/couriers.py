"""One courier a lane: makes messages of what waits when they are due, and sends each until it has arrived."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

from vedette_schemas import Alert
from vedette_transport import backoff

from ..faults import trace
from . import routing
from .figures import Figures
from .queue import Outgoing, Queue, QueueError
from .sending import NotSentError, Sender
from .settings import NotifySettings

log = logging.getLogger(__name__)

_T = TypeVar("_T")

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 300.0
_LONGEST_SLEEP = 30.0
"""Clocks are set, and laptops sleep: what is due is looked at as often."""

TellOthers = Callable[[str, Alert], None]
"""Puts what is to be known of a lane into the queues of the others."""


class Courier:
    """Serves one lane: what others do, or fail to, holds nothing up here."""

    def __init__(
        self,
        name: str,
        settings: NotifySettings,
        sender: Sender,
        queue: Queue,
        tell_others: TellOthers,
        figures: Figures,
    ) -> None:
        """`tell_others` is told when the lane fails for long, and when it does no more."""
        self._name, self._settings, self._sender = name, settings, sender
        self._queue, self._tell_others, self._figures = queue, tell_others, figures
        self._route, self._zone = settings.lanes[name], settings.zone
        self._woken, self._ending = asyncio.Event(), asyncio.Event()

    def wake(self) -> None:
        """Look again: something new waits."""
        self._woken.set()

    def end(self) -> None:
        """End once what is being sent is sent, or is not."""
        self._ending.set()
        self._woken.set()

    async def run(self) -> None:
        """Send what is due until told to end."""
        while not self._ending.is_set():
            try:
                outgoing, seconds = await self._until_possible(self._next)
                if outgoing is None:
                    await self._sleep(seconds)
                else:
                    await self._deliver(outgoing)
            except Exception as error:  # noqa: BLE001 (one lane must not end the others)
                log.error("%s: %s", self._name, trace(error))  # noqa: TRY400 (its words may repeat an alert)
                await _wait(self._ending, LONGEST_RETRY_SECONDS)

    def _next(self) -> tuple[Outgoing | None, float]:
        """Return the message to send now: the one that has not arrived yet, or a new one that is due.

        Without one, return in how many seconds there may be.
        """
        now, seconds = datetime.now(UTC), _LONGEST_SLEEP
        outgoing = self._queue.outgoing(self._name)
        due = None if outgoing else self._queue.due(self._name, self._route, now, self._zone)
        if due is not None:
            seconds = (due - now).total_seconds()
            if seconds <= 0.0:
                self._queue.pack(self._name, now)
                outgoing = self._queue.outgoing(self._name)
        self._figures.waits(self._name, self._queue.depth(self._name))
        return outgoing, seconds

    async def _sleep(self, seconds: float) -> None:
        await _wait(self._woken, min(seconds, _LONGEST_SLEEP))
        self._woken.clear()

    async def _deliver(self, outgoing: Outgoing) -> None:
        """Send a message until it has arrived, or we are to end."""
        delays = backoff(first=FIRST_RETRY_SECONDS, longest=LONGEST_RETRY_SECONDS)
        while True:
            try:
                await self._sender.send(outgoing)
                break
            except NotSentError as error:
                found = error
            except Exception as error:  # noqa: BLE001 (other words may not meet that fault)
                log.error("%s: %s", self._name, trace(error))  # noqa: TRY400 (its words may repeat an alert)
                found = NotSentError(f"a fault of ours ({type(error).__name__})", is_refused=True)
            self._figures.failed(self._name)
            outgoing = await self._until_possible(partial(self._note, outgoing, found))
            await _wait(self._ending, next(delays))
            if self._ending.is_set():
                return
        await self._until_possible(self._arrived)
        self._figures.sent(self._name, outgoing.dispatch)

    def _note(self, outgoing: Outgoing, error: NotSentError) -> Outgoing:
        """Note that a message has not arrived, tell it where that lasts; return what to send next."""
        now = datetime.now(UTC)
        before = self._queue.trouble(self._name)
        if before is None or before.why != str(error):
            log.warning("%s: not sent: %s", self._name, error)
        trouble = self._queue.fails(self._name, str(error), now)
        if error.is_refused and not outgoing.refused:
            self._queue.refused(self._name)
            return outgoing._replace(refused=True)
        lasts = now - trouble.since >= timedelta(minutes=self._settings.trouble_minutes)
        if not trouble.told and (lasts or error.needs_help or error.is_refused):
            words = f"nobody is told on the route {self._name} since {_time(trouble.since)}: {error}"
            self._tell_others(self._name, routing.trouble(self._name, trouble.since, words, now))
            self._queue.fails(self._name, str(error), now, told=True)
        return outgoing

    def _arrived(self) -> None:
        trouble = self._queue.trouble(self._name)
        self._queue.delivered(self._name)
        if trouble is None:
            return
        log.warning("%s: works again", self._name)
        if trouble.told:
            words = f"the route {self._name} works again; it failed since {_time(trouble.since)}"
            now = datetime.now(UTC)
            alert = routing.trouble(self._name, trouble.since, words, now, over=True)
            self._tell_others(self._name, alert)

    async def _until_possible(self, step: Callable[[], _T]) -> _T:
        """Take a step with the queue, however long its disk is full: what has arrived is not sent again."""
        said = ""
        while True:
            try:
                return step()
            except QueueError as error:
                if str(error) != said:
                    said = str(error)
                    log.error("%s", said)  # noqa: TRY400 (its words say it all)
            await asyncio.sleep(FIRST_RETRY_SECONDS)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M UTC}"
