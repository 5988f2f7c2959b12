"""Time that passes, as an event of the loop."""

import threading

from vedette_transport import Call, Inbox

TICK_SECONDS = 1.0


class Tick:
    """Time has passed."""


def tick(inbox: Inbox, stopping: threading.Event) -> None:
    """Put a `Tick` into `inbox` each second until `stopping`."""
    while not stopping.wait(TICK_SECONDS):
        inbox.put(Call(Tick()))
