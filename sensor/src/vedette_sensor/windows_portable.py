"""The window in front, asked for again and again by way of pywinctl: where there are no events."""

from collections.abc import Callable
from datetime import UTC, datetime

from vedette_transport import identify

from .child import Child, poll
from .observing import Front
from .watching import Source, Watch

PATIENCE = 5.0
"""Seconds that the display may take to answer."""


class PortableWindows(Source):
    """Sees the window in front where pywinctl can."""

    def __init__(self, see: Callable[[Front, datetime], None], poll_seconds: float) -> None:
        """`see` takes what is in front, and when that was seen."""
        self._see, self._poll_seconds = see, poll_seconds
        self._child = Child("window", PATIENCE)

    def run(self, watch: Watch) -> None:
        """Watch until an answer fails to come."""
        for found in poll(self._child, self._poll_seconds):
            watch.on("pywinctl polls")
            if found.title is None:
                continue  # nothing is in front, or nothing says what is
            process = identify(found.pid) if found.pid is not None else None
            self._see(Front(found.title, process, "server" if found.vouched else "client"), datetime.now(UTC))

    def close(self) -> None:
        """End the child."""
        self._child.close()
