"""The one loop of a program: events in, heartbeats on time, an orderly end."""

import signal
from collections.abc import Callable
from queue import Empty

from .events import Asked, Connected, Event, Inbox, Stop
from .session import MqttSession


def serve(session: MqttSession, inbox: Inbox, handle: Callable[[Event], None]) -> None:
    """Handle events one at a time until SIGTERM or SIGINT; connects, and ends in order."""

    def end(_number: int, _frame: object) -> None:
        inbox.put(Stop())  # of all queues, SimpleQueue may be used in a signal's handler

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    session.start()
    try:
        while not isinstance(event := _next(session, inbox), Stop):
            if isinstance(event, Connected):
                session.heartbeat()
            elif isinstance(event, Asked):
                session.answer_soon()
            handle(event)
            session.tell_news()
    finally:
        session.stop()


def _next(session: MqttSession, inbox: Inbox) -> Event:
    while True:
        try:
            return inbox.get(timeout=session.seconds_to_heartbeat())
        except Empty:
            session.heartbeat()
