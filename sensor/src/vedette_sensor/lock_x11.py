"""Whether a screen locker has the display: behind it windows change that nobody looks at.

X11 has no word for "locked". Lockers (i3lock, xtrlock, xsecurelock, slock, xscreensaver, KDE's) have this in
common: a window out of the window manager's hands lies over a whole monitor, and the keyboard is theirs.
A window for input only (xtrlock without -b has one, of 1x1) hides nothing: what lies behind is still seen.
The window under the pointer is asked about first, which disturbs nobody; only if that could be a locker's,
an attempt to grab the keyboard tells whether somebody has it.
"""

from Xlib import X

from .x11 import Connection, Window, WindowGoneError

_SMALLEST_MONITOR = (640, 480)
"""A locker's window is at least as large, or as the screen; a menu, whose program grabs too, hardly is."""


def find_locker(connection: Connection, in_front: Window, manager: int | None) -> Window | None:
    """Return the window of what locks the screen, if it is locked.

    `in_front` is the window that would be reported, `manager` one of the window manager's: programs that
    lay a window of their own over their others, and frames of windows, lock nothing.
    """
    window = connection.under_pointer()
    if window is None or connection.have_one_client(window.id, in_front.id):
        return None
    if manager is not None and connection.have_one_client(window.id, manager):
        return None
    try:
        may_lock = connection.is_cover(window) and _covers_a_monitor(connection, window)
    except WindowGoneError:
        return None
    return window if may_lock and connection.is_keyboard_grabbed() else None


def _covers_a_monitor(connection: Connection, window: Window) -> bool:
    width, height = connection.size(window)
    screen_width, screen_height = connection.size(connection.root)
    return width >= min(_SMALLEST_MONITOR[0], screen_width) and height >= min(
        _SMALLEST_MONITOR[1], screen_height
    )


def follow_locker(connection: Connection, in_front: Window, manager: int | None) -> Window | None:
    """Return the locker's window, and hear of its end from now on."""
    heard_of: Window | None = None
    while (locker := find_locker(connection, in_front, manager)) is not None:
        if heard_of is not None and locker.id == heard_of.id:
            return locker
        # Hear of it first and look again then: it may have gone in between.
        connection.listen(locker, X.StructureNotifyMask)
        heard_of = locker
    return None
