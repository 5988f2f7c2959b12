"""A desktop of its own: an X server without a screen, and a window manager."""

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vedette_schemas import VedetteError

from .supervisor import tied_to_us

START_SECONDS = 15.0
_OF_ANOTHER_DESKTOP = ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")


class DesktopError(VedetteError):
    """The desktop does not come up."""


@contextmanager
def running(
    command: list[str], log: Path, environment: Mapping[str, str], *fds: int
) -> Generator["subprocess.Popen[bytes]"]:
    """Run a program while the block lasts; it ends with us, whatever happens."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*tied_to_us(), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=fds,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def desktop(folder: Path, size: str = "1280x800x24") -> Generator[dict[str, str]]:
    """Run a desktop while the block lasts; yield the environment of programs on it."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_DESKTOP}
    with ExitStack() as stack:
        reader, writer = os.pipe()
        with os.fdopen(reader) as numbers:
            server = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
            stack.enter_context(running(server, folder / "xvfb.log", environment, writer))
            os.close(writer)
            number = numbers.readline().strip()
        if not number:
            raise DesktopError(f"Xvfb did not start; see {folder / 'xvfb.log'}")
        environment["DISPLAY"] = f":{number}"
        manager = stack.enter_context(
            running(["openbox", "--sm-disable"], folder / "openbox.log", environment)
        )
        _await_manager(manager, environment)
        yield environment


def _await_manager(manager: "subprocess.Popen[bytes]", environment: Mapping[str, str]) -> None:
    """Wait until the window manager says on the root window that it is there (EWMH)."""
    ask = [shutil.which("xprop") or "xprop", "-root", "_NET_SUPPORTING_WM_CHECK"]
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and manager.poll() is None:
        if b"window id" in subprocess.run(ask, env=environment, capture_output=True, check=False).stdout:
            return
        time.sleep(0.05)
    raise DesktopError("openbox did not start")
