"""What a portable source asks, answered in a process of its own: a line in, a line of JSON out.

It loads little: `vedette_sensor.asked window` and `vedette_sensor.asked clipboard` run beside a session.
"""

import faulthandler
import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TextIO

LONGEST_TITLE = 8_192
MOST_READ = 256 * 1024
_LONGEST_ERROR = 200
_HANGS_AFTER = 30.0
"""Seconds after which it ends by itself, should nobody be left to end it."""

Answer = dict[str, Any]
"""Fields of `child.Found`; none where there is nothing new."""


def main() -> None:
    """Say that we are ready, then answer until nobody asks any more, or until something goes wrong."""
    answers, sys.stdout = sys.stdout, sys.stderr  # so that no library writes among the answers
    ways: dict[str, Callable[[], Callable[[], Answer]]] = {"window": _windows, "clipboard": _clipboard}
    try:
        questions = _questions()
        answer = ways[sys.argv[1]]()
        _write(answers, {})
        for _ in questions:
            faulthandler.dump_traceback_later(_HANGS_AFTER, exit=True)
            found = answer()
            faulthandler.cancel_dump_traceback_later()
            _write(answers, found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a library may do anything; it is told)
        words = " ".join(f"{type(error).__name__}: {error}".split())
        _write(answers, {"error": words[:_LONGEST_ERROR]})


def _questions() -> Iterator[None]:
    """Begin to hear questions; when nobody is left to ask, end at once, whatever is being done."""
    heard: SimpleQueue[None] = SimpleQueue()

    def hear() -> None:
        while asked := os.read(0, 4_096):
            for _ in range(asked.count(b"\n")):
                heard.put(None)
        _end()

    threading.Thread(target=hear, name="questions", daemon=True).start()
    return iter(heard.get, object())


def _end() -> None:
    """End, and all that was started here with us: a program that waits for the clipboard's owner, say."""
    if sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _write(answers: TextIO, found: Answer) -> None:
    answers.write(json.dumps(found) + "\n")
    answers.flush()


def _whole(text: str) -> str:
    """Return text without halves of surrogate pairs, which Windows lets into titles."""
    return text.encode("utf-8", "replace").decode()


def _windows() -> Callable[[], Answer]:
    import pywinctl  # noqa: PLC0415 (fails without a display, and exits without xrandr)

    client_pid = _server_vouches()

    def answer() -> Answer:
        try:
            window = pywinctl.getActiveWindow()
            if not window:
                return {}
            vouched = client_pid(window.getHandle())
            return {
                "title": _whole(window.title or "")[:LONGEST_TITLE],
                "pid": vouched or window.getPID(),
                "vouched": vouched is not None or sys.platform != "linux",
            }
        except Exception as error:
            if type(error).__name__ in {"BadWindow", "WindowGoneError"}:
                return {}  # it vanished while it was looked at
            raise

    return answer


def _server_vouches() -> Callable[[Any], int | None]:
    """Return what asks the X server whose a window is: the window itself may say anything, or nothing."""
    if sys.platform != "linux":
        return lambda _: None
    from .x11 import Connection  # noqa: PLC0415 (pywinctl has loaded python-xlib by now)

    connection = Connection()
    return lambda number: connection.client_pid(connection.window(number))


def _clipboard() -> Callable[[], Answer]:
    import pyperclip  # noqa: PLC0415 (looks for what it can use)

    library: Any = pyperclip
    if os.environ.get("DISPLAY") and shutil.which("xclip"):
        library.set_clipboard("xclip")  # it would take xsel first, which loses text
    last = ""

    def answer() -> Answer:
        nonlocal last
        try:
            text = str(library.paste())
        except UnicodeDecodeError:
            return {}  # an image
        if text == last:
            return {}
        last = text
        text = _whole(text)
        return {"text": text[:MOST_READ], "length": len(text.encode())}

    return answer


if __name__ == "__main__":
    main()
