"""The clipboard, by the X server's events. Its owner may be slow, stopped, hostile or huge."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from Xlib import X

from .observing import Copy
from .pace import Pace
from .selection_x11 import Selection
from .watching import Source, SourceError, Watch
from .x11 import Connection, display_lost

MOST_READ = 256 * 1024
MOST_COUNTED = 16 * 1024 * 1024
"""Bytes of a text: what is kept of it, and up to where its length is counted."""

PATIENCE = 1.0
"""Seconds that the clipboard's owner has to answer."""

_CLIPBOARD = "CLIPBOARD"  # not PRIMARY: that changes whenever text is marked with the mouse
_SECRET = "x-kde-passwordManagerHint"  # noqa: S105 (how password managers mark what they copy)


class X11Clipboard(Source):
    """Sees what is copied on X11."""

    def __init__(self, see: Callable[[Copy, datetime], None]) -> None:
        """`see` takes what was copied, and when that was seen."""
        self._see = see

    def run(self, watch: Watch) -> None:
        """Watch until the display goes away."""
        with display_lost():
            with watch.asking():
                connection = Connection()
            try:
                self._watch(connection, watch)
            finally:
                connection.close()

    def _watch(self, connection: Connection, watch: Watch) -> None:
        """Read each copy, but at most five in any one second, and after a storm the last.

        While we rest we ask the server for no events: a flood costs its author, not us.
        """
        if not connection.tells_owners:
            raise SourceError("the X server does not tell who owns the clipboard (no XFIXES)")
        pace = Pace(per_second=2, burst=3)
        with watch.asking():
            clipboard = Selection(connection, _CLIPBOARD)
            clipboard.hear(wanted=True)
            connection.sync()
        watch.on("x11 events")
        while True:
            timestamp = clipboard.await_owner()
            if rest := pace.spend():
                clipboard.hear(wanted=False)
                time.sleep(rest)
                clipboard.hear(wanted=True)  # and read then: a copy in between is read, or heard of
                timestamp = X.CurrentTime
            at = datetime.now(UTC)
            with watch.asking():
                copy = _read(connection, clipboard, timestamp)
            if copy is not None:
                self._see(copy, at)


def _read(connection: Connection, clipboard: Selection, timestamp: int) -> Copy | None:
    """Return the text. An image, what is marked as secret, and an owner that is silent are none."""
    deadline = time.monotonic() + PATIENCE
    targets = clipboard.ask("TARGETS", timestamp, deadline, most=4 * 1024)
    offered = set(targets.value) if targets is not None else set[int]()
    if connection.atom(_SECRET) in offered:
        return None
    for name, encoding in (("UTF8_STRING", "utf-8"), ("STRING", "latin-1")):
        if connection.atom(name) in offered:
            text = clipboard.ask(name, timestamp, deadline, most=MOST_READ, most_counted=MOST_COUNTED)
            if text is not None and isinstance(text.value, bytes):
                return Copy(text.value.decode(encoding, "replace"), text.length)
    return None
