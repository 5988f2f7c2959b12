"""The one loop of a program: events in, what is due out, heartbeats on time, an orderly end."""

import signal
from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty

from vedette_schemas import Stopped

from .events import Asked, Connected, Event, Inbox, Stop
from .outbox import Outbox
from .session import MqttSession


def serve(
    session: MqttSession, inbox: Inbox, handle: Callable[[Event], None], outbox: Outbox | None = None
) -> None:
    """Handle events one at a time until SIGTERM or SIGINT; connects, and ends in order."""
    stop_on_signals(inbox)
    session.start()
    try:
        while not isinstance(event := _next(session, inbox, outbox), Stop):
            if isinstance(event, Connected):
                session.heartbeat()
            elif isinstance(event, Asked):
                session.answer_soon()
            if outbox is None or not outbox.handle(event):
                handle(event)
            if outbox is not None:
                outbox.send(session)
            session.tell_news()
        if outbox is not None:
            outbox.put(Stopped(seen_at=datetime.now(UTC)))
            outbox.send(session)
    finally:
        session.stop()
        if outbox is not None:
            outbox.close()


def stop_on_signals(inbox: Inbox) -> None:
    """From now on SIGTERM and SIGINT put a `Stop` into the inbox, and do nothing else."""

    def end(_number: int, _frame: object) -> None:
        inbox.put(Stop())  # of all queues, SimpleQueue may be used in a signal's handler

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _next(session: MqttSession, inbox: Inbox, outbox: Outbox | None) -> Event:
    while True:
        if session.seconds_to_heartbeat() <= 0.0:  # asked each time: there may always be an event
            session.heartbeat()
        to_due = outbox.seconds_to_due() if outbox is not None else None
        to_heartbeat = session.seconds_to_heartbeat()
        try:
            return inbox.get(timeout=to_heartbeat if to_due is None else min(to_heartbeat, to_due))
        except Empty:
            if outbox is not None:
                outbox.send(session)
