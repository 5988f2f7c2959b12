"""A desktop for tests: Xvfb on a display number that is free, openbox, and windows to order.

Run as a program it is such a window: it takes titles from its standard input, a JSON string a line, and
answers each with the time (`time.time_ns()`) at which it was sent to the X server.
"""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from Xlib import X
from Xlib.display import Display
from Xlib.protocol.event import ClientMessage
from Xlib.xobject.drawable import Window

PATIENCE = 10.0
"""Seconds to wait for what should happen at once."""


class Desktop:
    """An X server without a screen, and a window manager."""

    def __init__(self, *options: str, manager: bool = True) -> None:
        """Start both, and wait until they are up. `options` are the X server's, and may name a display."""
        reader, writer = os.pipe()
        command = ["Xvfb", *options, "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-noreset"]
        self.server = _start([*command, "-nolisten", "tcp"], os.environ, keep=(writer,))
        os.close(writer)
        with os.fdopen(reader) as numbers:
            self.name = f":{read_line(numbers).strip()}"
        self._programs: list[subprocess.Popen[bytes]] = [self.server]
        if manager:
            self.manage()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a program on this desktop: no other display, and no session bus."""
        others = {"WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS"}
        rest = {name: value for name, value in os.environ.items() if name not in others}
        return {**rest, "DISPLAY": self.name}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program, which ends with the desktop at the latest."""
        program = _start(command, self.environment)
        self._programs.append(program)
        return program

    def manage(self) -> subprocess.Popen[bytes]:
        """Start openbox."""
        manager = self.start("openbox", "--sm-disable")
        with self.connect() as client:
            client.root.change_attributes(event_mask=X.PropertyChangeMask)
            client.wait_until(lambda: client.read(client.root, "_NET_SUPPORTING_WM_CHECK") is not None)
        return manager

    def connect(self) -> "XClient":
        """Connect to the display as a program would."""
        return XClient(self.name)

    def window(self, title: str, *, executable: str = sys.executable) -> "TitledWindow":
        """Open a window, by a process of its own, that the window manager brings to the front."""
        return TitledWindow(title, self.environment, executable)

    def copy(self, text: str | bytes, *options: str) -> None:
        """Copy by xclip, and wait until it owns the clipboard: it goes to the background first."""
        with self.connect() as client:
            clipboard = client.atom("CLIPBOARD")
            before = client.owner(clipboard)
            subprocess.run(
                ["xclip", "-selection", "clipboard", *options],
                input=text if isinstance(text, bytes) else text.encode(),
                env=self.environment,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            client.wait_until(lambda: client.owner(clipboard) not in {0, before})

    def close(self) -> None:
        """End all that was started."""
        while self._programs:
            end(self._programs.pop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.close()


class TitledWindow:
    """A window of another process."""

    def __init__(self, title: str, environment: Mapping[str, str], executable: str = sys.executable) -> None:
        """Open it; it is there once it is mapped."""
        self._program = subprocess.Popen(
            [executable, str(Path(__file__)), title],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._program.pid
        self.number = int(self._answer())

    def retitle(self, title: str) -> int:
        """Give it another title; return when that was sent."""
        return self.say(title)

    def say(self, word: object) -> int:
        """Send it a word; return when it had done what that asks for."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(word) + "\n")
        self._program.stdin.flush()
        return int(self._answer())

    def focus(self) -> int:
        """Ask the window manager to bring it to the front."""
        return self.say(None)

    def close(self) -> None:
        """Close it."""
        end(self._program)

    def _answer(self) -> str:
        assert self._program.stdout is not None
        return read_line(self._program.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.close()


class XClient:
    """A connection to the display that waits for no longer than `PATIENCE`."""

    def __init__(self, name: str | None = None) -> None:
        self.display = Display(name)
        self.root: Window = self.display.screen().root

    def open(
        self,
        title: str,
        *,
        above_all: bool = False,
        size: tuple[int, int] = (400, 300),
        machine: str | None = None,
    ) -> Window:
        """Open a window; one above all is none of the window manager's business."""
        window: Window = self.root.create_window(
            0, 0, *size, 0, X.CopyFromParent, override_redirect=above_all, event_mask=X.StructureNotifyMask
        )
        self.retitle(window, title)
        window.change_property(self.atom("_NET_WM_PID"), self.atom("CARDINAL"), 32, [os.getpid()])
        if machine is not None:
            window.set_wm_client_machine(machine)
        window.map()
        self.wait_for(X.MapNotify)
        return window

    def retitle(self, window: Window, title: str) -> None:
        window.change_property(self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"), 8, title.encode())
        self.display.flush()

    def focus(self, window: Window) -> None:
        """Ask the window manager to bring a window to the front, as a taskbar would."""
        active = self.atom("_NET_ACTIVE_WINDOW")
        message = ClientMessage(window=window, client_type=active, data=(32, [2, X.CurrentTime, 0, 0, 0]))
        self.root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self.display.flush()

    def grab_keyboard(self, window: Window) -> None:
        """Take the keyboard, as lockers and menus do."""
        status = window.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        assert status == X.GrabSuccess

    def ungrab_keyboard(self) -> None:
        """Give the keyboard back."""
        self.display.ungrab_keyboard(X.CurrentTime)
        self.display.flush()

    def is_keyboard_grabbed(self) -> bool:
        """Whether another client has taken the keyboard."""
        status = self.root.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        self.ungrab_keyboard()
        return bool(status == X.AlreadyGrabbed)

    def owner(self, selection: int) -> int:
        """Return the number of the window that owns a selection."""
        window: Any = self.display.get_selection_owner(selection)  # a window, whatever its stub says, or 0
        return window and int(window.id)

    def atom(self, name: str) -> int:
        return self.display.intern_atom(name)

    def read(self, window: Window, name: str) -> object:
        found = window.get_full_property(self.atom(name), X.AnyPropertyType)
        return None if found is None else found.value

    def wait_for(self, event: int) -> None:
        """Wait for an event of this type; others are thrown away."""
        self.wait_until(lambda: any(self.display.next_event().type == event for _ in self._pending()))

    def _pending(self) -> range:
        return range(self.display.pending_events())

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking again at each event."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            left = deadline - time.monotonic()
            assert left > 0, "the X server did not say what was waited for"
            # An event may have been read together with an answer: look again soon in any case.
            select.select([self.display], [], [], min(left, 0.1))

    def close(self) -> None:
        self.display.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.close()


def read_line(stream: IO[str]) -> str:
    """Read a line that should come at once."""
    ready, _, _ = select.select([stream], [], [], PATIENCE)
    assert ready, "nothing was written in time"
    return stream.readline()


def end(program: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a program, whatever state it is in, and close its pipes."""
    program.kill()
    with program:
        program.wait(PATIENCE)


def _start(
    command: Sequence[str], environment: Mapping[str, str], keep: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=keep,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _be_a_window(title: str) -> None:
    client = XClient()
    window = client.open(title)
    print(window.id, flush=True)
    for line in sys.stdin:
        at = time.time_ns()
        word = json.loads(line)
        if word is None:
            client.focus(window)
        else:
            client.retitle(window, word)
        print(at, flush=True)


if __name__ == "__main__":
    _be_a_window(sys.argv[1])
