"""The window in front, by the X server's events: nothing runs while nothing changes."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

from vedette_transport import identify
from Xlib import X

from .lock_x11 import follow_locker
from .observing import Front
from .pace import Pace
from .watching import Source, Watch
from .x11 import Connection, Event, Window, WindowGoneError, display_lost

LONGEST_TITLE = 8_192
"""Bytes of a title that are read: more than `MAX_TITLE` characters in any script."""

_ACTIVE, _NAME, _OLD_NAME = "_NET_ACTIVE_WINDOW", "_NET_WM_NAME", "WM_NAME"
_MANAGER = "_NET_SUPPORTING_WM_CHECK"
_NO_MANAGER = "no window manager says which window is in front"


class X11Windows(Source):
    """Sees the window in front on X11."""

    def __init__(self, see: Callable[[Front, datetime], None]) -> None:
        """`see` takes what is in front, and when that was seen."""
        self._see = see

    def run(self, watch: Watch) -> None:
        """Watch until the display goes away."""
        with display_lost():
            with watch.asking():
                connection = Connection()
            try:
                _Look(connection, watch, self._see).go_on()
            finally:
                connection.close()


class _Look:
    """One connection's worth of looking.

    At most 20 observations leave in any one second (a burst of ten, then ten a second): a window may
    change its title a thousand times a second, and the title it ends with is what counts. While we rest
    we ask the server for no events at all, so that a flood costs its author and the server, not us.
    """

    def __init__(self, connection: Connection, watch: Watch, see: Callable[[Front, datetime], None]) -> None:
        self._x, self._watch, self._see = connection, watch, see
        self._root = connection.root
        self._window: Window | None = None
        self._locker: Window | None = None
        self._telling = {connection.atom(name) for name in (_ACTIVE, _MANAGER, _NAME, _OLD_NAME)}
        self._looks = Pace(per_second=10, burst=10)
        self._events = Pace(per_second=500, burst=1_000)

    def go_on(self) -> None:
        self._listen_and_look()
        while True:
            events = self._x.wait()
            rest = self._events.spend(len(events))
            if news := any(map(self._tells, events)):
                rest = max(rest, self._looks.spend())
            if rest:
                self._rest(rest)
                self._listen_and_look()
            elif news:
                self._look()

    def _tells(self, event: Event) -> bool:
        """Whether something in front may have changed, or a locker is gone."""
        if event.type == X.PropertyNotify:
            return event.atom in self._telling
        return event.type in {X.UnmapNotify, X.DestroyNotify}

    def _rest(self, seconds: float) -> None:
        """Hear nothing for a while."""
        for window in (self._root, self._window, self._locker):
            if window is not None:
                self._x.listen(window, X.NoEventMask)
        self._x.sync()
        self._x.pending()
        time.sleep(seconds)

    def _listen_and_look(self) -> None:
        self._x.listen(self._root, X.PropertyChangeMask)
        self._look()

    def _look(self) -> None:
        at = datetime.now(UTC)
        with self._watch.asking():
            front = self._front()
        if front is not None:
            self._see(front, at)

    def _front(self) -> Front | None:
        number = self._x.number(self._root, _ACTIVE)
        manager = self._x.number(self._root, _MANAGER)
        if number is None and manager is None:
            self._watch.off(_NO_MANAGER)
            return None
        front, self._locker = None, None
        if number and number != self._root.id:  # any client may write there
            try:
                # Listen first, read then: a title that changes in between is read, or heard of.
                window = self._listen_to(number)
                front = self._describe(window)
                self._locker = follow_locker(self._x, window, manager)
            except WindowGoneError:
                pass  # the window manager will say what is in front now
        if self._locker is not None:
            self._watch.off("the screen is locked")
            return None
        self._watch.on("x11 events")
        return front

    def _listen_to(self, number: int) -> Window:
        if self._window is not None and self._window.id != number:
            self._x.listen(self._window, X.NoEventMask)
        self._window = self._x.window(number)
        self._x.listen(self._window, X.PropertyChangeMask)  # each time: numbers are used again
        return self._window

    def _describe(self, window: Window) -> Front:
        title = self._x.text(window, _NAME, LONGEST_TITLE)
        if title is None:
            title = self._x.text(window, _OLD_NAME, LONGEST_TITLE) or ""
        if pid := self._x.client_pid(window):
            return Front(title, identify(pid), "server")
        if pid := self._claimed_pid(window):
            return Front(title, identify(pid), "client")
        return Front(title, None, None)

    def _claimed_pid(self, window: Window) -> int | None:
        """Return the PID that the client gives for itself, unless it says that it is another host's."""
        machine = self._x.text(window, "WM_CLIENT_MACHINE", 256)
        if machine is not None and machine != socket.gethostname():
            return None
        return self._x.number(window, "_NET_WM_PID")
