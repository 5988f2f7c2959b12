"""vedette-session: watches a user's windows and clipboard with that user's rights, and shows notices."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

from pydantic import Field
from vedette_schemas import SettingsError
from vedette_transport import Settings, load_settings, run

from . import notices
from .choosing import Choice, Way, choose
from .connecting import stay_connected
from .handing import SensorLink
from .observing import ClipboardObserver, Copy, Front, Redact, WindowObserver
from .watching import PATIENCE, Source, Watch, keep_running

log = logging.getLogger(__name__)


class SessionSettings(Settings):
    """Everything that a session can be told, with its default."""

    sensor_socket: Path = Path("/run/vedette/sensor.sock")
    enforcer_socket: Path = Path("/run/vedette/enforcer.sock")
    window: Choice = "auto"
    clipboard: Choice = "auto"
    privacy: Literal["redacted", "full"] = "redacted"
    poll_seconds: float = Field(default=0.5, ge=0.1, le=60)


def main() -> None:
    """Run the program; `service` is for who sets the host up."""
    if sys.argv[1:2] == ["service"]:
        from vedette_transport import service  # noqa: PLC0415 (not loaded where it serves)

        from .service import SESSION  # noqa: PLC0415

        service.main(SESSION, sys.argv[2:])
    what = (
        "Watches this user's windows and clipboard, shows notices. 'vedette-session service -h': as a service"
    )
    run("vedette-session", what, session)


def session(path: Path) -> None:
    """Watch until SIGTERM or SIGINT."""
    settings = load_settings(SessionSettings, path)
    plan = choose(settings.window, settings.clipboard, os.environ, sys.platform)
    if not hasattr(socket, "AF_UNIX"):
        raise SettingsError("a session can't hand over on this system: Python has no Unix sockets here")
    if plan.remark:
        log.warning("%s", plan.remark)
    link = SensorLink()
    watches = {name: Watch(name, link.tell, plan.limit) for name in ("window", "clipboard")}
    for name, why in plan.off.items():
        watches[name].off(why)
    sources = {name: _source(name, way, settings, link) for name, way in plan.ways.items()}
    for name, source in sources.items():
        link.tell(name, "off: not begun yet")
        _start(name, partial(keep_running, source, watches[name]))
    _start("sensor", partial(stay_connected, "sensor", settings.sensor_socket, link.hand_over))
    # A host may have no enforcer: that is no trouble of the user's.
    enforcer = partial(stay_connected, "enforcer", settings.enforcer_socket, notices.answer)
    _start("notices", partial(enforcer, level=logging.DEBUG))
    try:
        _wait_for_the_end(list(watches.values()))
    finally:
        for source in sources.values():
            source.close()


def _wait_for_the_end(watches: list[Watch]) -> None:
    ending: SimpleQueue[int] = SimpleQueue()  # of all queues, this one may be used in a signal's handler
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: ending.put(number))
    while True:
        try:
            ending.get(timeout=PATIENCE)
        except Empty:
            for watch in watches:
                watch.check()
        else:
            return


def _start(name: str, task: Callable[[], None]) -> None:
    threading.Thread(target=task, name=name, daemon=True).start()


def _source(name: str, way: Way, settings: SessionSettings, link: SensorLink) -> Source:
    """Build a source. Each is imported only where it is used: some can't be imported everywhere."""
    redact = _redaction(settings)
    if name == "window":
        windows = WindowObserver(redact)

        def see_window(front: Front, at: datetime) -> None:
            link.report(windows.observe(front, at))

        if way == "x11":
            from .windows_x11 import X11Windows  # noqa: PLC0415

            return X11Windows(see_window)
        from .windows_portable import PortableWindows  # noqa: PLC0415

        return PortableWindows(see_window, settings.poll_seconds)
    copies = ClipboardObserver(redact)

    def see_copy(copy: Copy, at: datetime) -> None:
        link.report(copies.observe(copy, at))

    if way == "x11":
        from .clipboard_x11 import X11Clipboard  # noqa: PLC0415

        return X11Clipboard(see_copy)
    from .clipboard_portable import PortableClipboard  # noqa: PLC0415

    return PortableClipboard(see_copy, settings.poll_seconds)


def _redaction(settings: SessionSettings) -> Redact:
    if settings.privacy == "full":
        return lambda text: text
    from vedette_indicators.redaction import redact  # noqa: PLC0415 (not loaded where not used)

    return lambda text: redact(text)[0]


if __name__ == "__main__":
    main()
