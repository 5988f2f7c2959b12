"""The clipboard, asked for again and again by way of pyperclip: where there are no events."""

from collections.abc import Callable
from datetime import UTC, datetime

from .child import Child, poll
from .observing import Copy
from .watching import Source, Watch

PATIENCE = 3.0
"""Seconds that the clipboard's owner may take to answer: pyperclip itself would wait for ever."""


class PortableClipboard(Source):
    """Sees what is copied where pyperclip can."""

    def __init__(self, see: Callable[[Copy, datetime], None], poll_seconds: float) -> None:
        """`see` takes what was copied, and when that was seen."""
        self._see, self._poll_seconds = see, poll_seconds
        self._child = Child("clipboard", PATIENCE)

    def run(self, watch: Watch) -> None:
        """Watch until an answer fails to come."""
        for found in poll(self._child, self._poll_seconds):
            watch.on("pyperclip polls")
            if found.text is not None:
                self._see(Copy(found.text, found.length), datetime.now(UTC))

    def close(self) -> None:
        """End the child."""
        self._child.close()
