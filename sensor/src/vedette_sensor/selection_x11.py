"""Reading an X11 selection from whoever owns it: ICCCM 2.4, INCR included, with an end to all waiting."""

import time
from itertools import cycle
from typing import NamedTuple

from Xlib import X

from .x11 import Connection, Event, Property

_ANSWERS = tuple(f"VEDETTE_{number}" for number in range(4))
"""Where owners put their answers, by turns: one that comes too late must not pass for the next."""


class Answer(NamedTuple):
    """What an owner gave, up to what was to be read; `length` is how much it had, as far as was counted."""

    value: bytes | tuple[int, ...]
    length: int


class Selection:
    """A selection, read by way of a window of our own."""

    def __init__(self, connection: Connection, name: str) -> None:
        """Make the window."""
        self._x = connection
        self._selection = connection.atom(name)
        self._window = connection.hidden_window()
        self._places = cycle([connection.atom(place) for place in _ANSWERS])
        self._place = 0
        self._owned_at: int | None = None
        self._notice: Event | None = None
        self._pieces = 0

    def hear(self, *, wanted: bool) -> None:
        """Ask to hear of new owners, or not to."""
        self._x.hear_of_owners(self._window, self._selection, wanted=wanted)
        if not wanted:
            self._take(self._x.pending())
            self._owned_at = None

    def await_owner(self) -> int:
        """Wait until somebody owns it anew; return when that was, in the server's time."""
        while self._owned_at is None:
            self._take(self._x.wait())
        owned_at, self._owned_at = self._owned_at, None
        return owned_at

    def ask(
        self, target: str, timestamp: int, deadline: float, *, most: int, most_counted: int = 0
    ) -> Answer | None:
        """Ask its owner for `target`; `None` if it has none, or not by the deadline.

        Keep `most` bytes; of a text that comes in pieces, count the length up to `most_counted`.
        """
        self._place = next(self._places)
        self._notice = None
        self._window.delete_property(self._place)
        self._window.convert_selection(self._selection, self._x.atom(target), self._place, timestamp)
        self._x.flush()
        while self._notice is None:
            if not self._wait(deadline):
                return None
        if self._notice.property != self._place:
            return None
        found = self._read(most)
        if found is None:
            return None
        if found.type == self._x.atom("INCR"):
            return self._by_pieces(most, most_counted, deadline)
        self._window.delete_property(self._place)
        return Answer(found.value, len(found.value) + found.rest)

    def _by_pieces(self, most: int, most_counted: int, deadline: float) -> Answer:
        """Take the pieces to the last: some owners, left waiting for us, would serve nobody else."""
        kept, length = bytearray(), 0
        self._pieces = 0
        self._window.delete_property(self._place)  # says that we are ready for the first
        self._x.flush()
        while length < most_counted:
            while not self._pieces:
                if not self._wait(deadline):
                    return Answer(bytes(kept), length)
            self._pieces -= 1
            piece = self._read(most - len(kept))
            if piece is None:
                continue
            self._window.delete_property(self._place)
            self._x.flush()
            if not piece.value and not piece.rest:
                break
            kept += piece.value if isinstance(piece.value, bytes) else b""
            length += len(piece.value) + piece.rest
        return Answer(bytes(kept), length)

    def _read(self, most: int) -> Property | None:
        return self._x.read(self._window, self._place, most)

    def _wait(self, deadline: float) -> bool:
        """Wait for events; return whether there is time left for what they bring."""
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        self._take(self._x.wait(left))
        return True

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if self._x.is_owner_change(event):
                self._owned_at = int(event.timestamp)
            elif event.type == X.SelectionNotify and event.property in (self._place, X.NONE):
                self._notice = event
            elif event.type == X.PropertyNotify and event.state == X.PropertyNewValue:
                if event.atom == self._place:
                    self._pieces += 1
                else:
                    self._window.delete_property(event.atom)  # too late
