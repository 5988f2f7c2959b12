"""One connection to the X server: events as they come, and reads that a hostile client can't bend.

All that is untyped of python-xlib stays here. A connection belongs to one thread.
"""

import os
import select
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from Xlib import X
from Xlib.display import Display
from Xlib.error import CatchError, ConnectionClosedError, DisplayError, XauthError, XError, XNoAuthError
from Xlib.ext import res, xfixes
from Xlib.protocol.rq import Event
from Xlib.xobject.drawable import Window

from .watching import SourceError

__all__ = ["Connection", "Event", "Property", "Window", "WindowGoneError", "display_lost"]

_BYTES = 8
"""The format of a property that holds bytes; others hold numbers."""


class WindowGoneError(Exception):
    """A window vanished while it was looked at: as good as if it had never been there."""


class Property(NamedTuple):
    """What was read of a window's property; `rest` is how many bytes were left unread."""

    type: int
    value: bytes | tuple[int, ...]
    rest: int


@contextmanager
def display_lost() -> Generator[None]:
    """Turn all the ways in which python-xlib says that there is no display (any more) into one."""
    name = os.environ.get("DISPLAY", "")
    try:
        yield
    except (DisplayError, XauthError, XNoAuthError) as error:
        raise SourceError(f"no display at '{name}' ({error})") from None
    except (ConnectionClosedError, OSError):
        raise SourceError(f"the display '{name}' went away") from None


@contextmanager
def _vanishing() -> Generator[None]:
    try:
        yield
    except XError as error:
        raise WindowGoneError from error


class Connection:
    """A connection to the display that `DISPLAY` names."""

    def __init__(self) -> None:
        """Connect."""
        self._display = Display()
        self._display.set_error_handler(CatchError())  # keeps quiet about windows that vanished
        self._has_res = self._display.has_extension("X-Resource")
        self.tells_owners = self._display.has_extension("XFIXES")
        if self.tells_owners:
            self._extension("xfixes_query_version")()  # without it the server sends none of its events
        self._atoms: dict[str, int] = {}
        self.root: Window = self._display.screen().root

    def close(self) -> None:
        """Disconnect, if that is still to be done."""
        try:
            self._display.close()
        except (ConnectionClosedError, OSError):
            return

    def wait(self, seconds: float | None = None) -> list[Event]:
        """Return the events that came, waiting for one if there is none, but no longer than so."""
        if not (waiting := self.pending()):
            select.select([self._display], [], [], seconds)
            waiting = self.pending()
        return waiting

    def pending(self) -> list[Event]:
        """Return the events that came."""
        return [self._display.next_event() for _ in range(self._display.pending_events())]

    def flush(self) -> None:
        """Send what was asked for."""
        self._display.flush()

    def sync(self) -> None:
        """Send what was asked for, and wait until it is done."""
        self._display.sync()

    def atom(self, name: str) -> int:
        """Return the number of a name."""
        if name not in self._atoms:
            self._atoms[name] = self._display.intern_atom(name)
        return self._atoms[name]

    def window(self, number: int) -> Window:
        """Return a window by its number, whether it is there or not."""
        return self._display.create_resource_object("window", number)

    def listen(self, window: Window, mask: int) -> None:
        """Ask for a window's events from now on; a window that is not there has none."""
        window.change_attributes(event_mask=mask, onerror=CatchError())

    def read(self, window: Window, atom: int, most: int) -> Property | None:
        """Read `most` bytes of a property; raise `WindowGoneError` if the window is."""
        with _vanishing():
            found: Any = window.get_property(atom, X.AnyPropertyType, 0, (most + 3) // 4)
        if found is None:
            return None
        value = bytes(found.value) if found.format == _BYTES else tuple(map(int, found.value))
        return Property(found.property_type, value, found.bytes_after)

    def number(self, window: Window, name: str) -> int | None:
        """Read a property that should hold a number."""
        found = self.read(window, self.atom(name), 4)
        return found.value[0] if found and isinstance(found.value, tuple) and found.value else None

    def text(self, window: Window, name: str, most: int) -> str | None:
        """Read a property that should hold text: UTF-8, or Latin-1 where its type says so."""
        found = self.read(window, self.atom(name), most)
        if found is None or not isinstance(found.value, bytes):
            return None
        return found.value.decode("latin-1" if found.type == self.atom("STRING") else "utf-8", "replace")

    def client_pid(self, window: Window) -> int | None:
        """Return the PID of the window's client as the X server knows it; it can't be forged."""
        if not self._has_res:
            return None
        with _vanishing():
            found = self._extension("res_query_client_ids")(
                [{"client": window.id, "mask": res.LocalClientPIDMask}]
            )
        pids = [int(answer.value[0]) for answer in found.ids if answer.value]
        return pids[0] if pids else None

    def under_pointer(self) -> Window | None:
        """Return the child of the root that the pointer is in; clicks would go through others."""
        child: Window | int = self.root.query_pointer().child
        return None if isinstance(child, int) else child

    def have_one_client(self, one: int, other: int) -> bool:
        """Whether two windows, by their numbers, are of the same client."""
        mask: int = self._display.display.info.resource_id_mask
        return one & ~mask == other & ~mask

    def is_cover(self, window: Window) -> bool:
        """Whether a window has asked window managers to leave it alone, and hides what is behind it."""
        with _vanishing():
            found = window.get_attributes()
        return bool(found.override_redirect) and found.win_class != X.InputOnly

    def size(self, window: Window) -> tuple[int, int]:
        """Return a window's width and height."""
        with _vanishing():
            found = window.get_geometry()
        return int(found.width), int(found.height)

    def is_keyboard_grabbed(self) -> bool:
        """Whether a client has the keyboard for itself. We have it for that moment if none has."""
        status: int = self.root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)  # noqa: FBT003
        if status == X.GrabSuccess:
            self._display.ungrab_keyboard(X.CurrentTime)
            self._display.flush()
        return status in {X.AlreadyGrabbed, X.GrabFrozen}

    def hidden_window(self) -> Window:
        """Make a window of our own that is never seen, and hear of its properties."""
        return self.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)

    def hear_of_owners(self, window: Window, selection: int, *, wanted: bool) -> None:
        """Ask for an event to `window` whenever somebody owns the selection anew, or for no more."""
        mask = xfixes.XFixesSetSelectionOwnerNotifyMask if wanted else 0
        self._extension("xfixes_select_selection_input")(window, selection, mask)
        self.flush()

    def is_owner_change(self, event: Event) -> bool:
        """Whether it is the event that `hear_of_owners` asks for."""
        return isinstance(event, xfixes.SelectionNotify)  # the library makes a subclass for each kind

    def _extension(self, request: str) -> Callable[..., Any]:
        """Return a request of an extension; the library adds these at run time."""
        return getattr(self._display, request)  # type: ignore[no-any-return]
