"""`vedette demo`: the main job on a desktop of its own, with a real browser, clipboard and program."""

import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import ImageGrab
from vedette_schemas import Alert, State, Times, VedetteError, Where

from .demo_page import DemoPage
from .deployment import Deployment
from .desktop import desktop, running
from .lines import alert_line
from .packages import require
from .up import Up

PACKAGES = {
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "chromium": "chromium",
    "xclip": "xclip",
    "xprop": "x11-utils",
    "xmessage": "x11-utils",
    "xrandr": "x11-xserver-utils",
}
STEP_SECONDS = 30.0
PHRASE = "vedette demo phrase"
PROGRAM = "vedette-demo-program"
COPIED = "Have a look at hxxp://malware.vedette[.]test/payload, please."


class DemoError(VedetteError):
    """A step did not lead to its alert."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, and which alert it must lead to."""

    name: str
    act: Callable[[], None]
    value: str
    where: Where


class Demo:
    """Plays steps one after the other while a deployment runs on a desktop of its own."""

    def __init__(self, deployment: Deployment, screenshot: Path, *, as_json: bool = False) -> None:
        """`deployment.folder` is the demo's alone: made new, and removed at the end."""
        self._deployment, self._screenshot, self._as_json = deployment, screenshot, as_json
        self._alerts: queue.SimpleQueue[Alert | None] = queue.SimpleQueue()
        self._problem: BaseException | None = None
        self._done = False

    def run(self) -> bool:
        """Play all; raise `VedetteError` if a step does not lead to its alert, `False` if it was stopped."""
        require(PACKAGES)
        folder = self._deployment.folder
        with _fresh_folder(folder), DemoPage(PHRASE) as page, desktop(folder) as environment:
            self._play(environment, page)
        if self._problem is not None:
            raise self._problem
        return self._done

    def _play(self, environment: dict[str, str], page: DemoPage) -> None:
        actor = threading.Thread(target=lambda: self._act(up, environment, page), name="demo", daemon=True)
        up = Up(
            replace(self._deployment, environment=environment, blocks=False),  # the machine stays as it is
            as_json=self._as_json,
            on_ready=actor.start,
            on_alert=self._alerts.put,
        )
        try:
            up.run()
        finally:
            self._alerts.put(None)
            if actor.ident is not None:
                actor.join()

    def _act(self, up: Up, environment: dict[str, str], page: DemoPage) -> None:
        """Play the steps beside the deployment's loop, and end it."""
        folder = self._deployment.folder
        program = folder / PROGRAM
        shutil.copy(shutil.which("xmessage") or "xmessage", program)
        steps = (
            Step("a page whose title carries a listed phrase", lambda: None, PHRASE, Where.TITLE),
            Step(
                "a listed URL copied, defanged, in a sentence",
                lambda: _copy(COPIED, environment),
                "url",
                Where.TEXT,
            ),
            Step(
                "a listed program opened in a window",
                lambda: _open(program, environment),
                PROGRAM,
                Where.PROGRAM,
            ),
        )
        try:
            with (
                TemporaryDirectory(prefix="vedette-") as own,  # a short path: Chromium puts a socket there
                running(_browser(folder, page.url), folder / "chromium.log", {**environment, "TMPDIR": own}),
            ):
                for step in steps:
                    self._perform(step, up, page)
                page.shown.wait(STEP_SECONDS)
                time.sleep(0.3)  # fetched is not yet painted, and nothing tells when it is
                ImageGrab.grab(xdisplay=environment["DISPLAY"]).save(self._screenshot)
            up.screen.say(f"screenshot: {self._screenshot}")
            self._done = True
        except (VedetteError, OSError, subprocess.SubprocessError) as error:
            self._problem = error
        except _StoppedError:
            pass
        finally:
            up.stop()

    def _perform(self, step: Step, up: Up, page: DemoPage) -> None:
        up.screen.say(f"- {step.name}")
        step.act()
        alert = self._await(step)
        page.add(str(alert_line(alert)))
        if alert.times is not None:
            up.screen.say(f"  {hops(alert.times)}")

    def _await(self, step: Step) -> Alert:
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            try:
                alert = self._alerts.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DemoError(f"{step.name}: no alert within {STEP_SECONDS:.0f} s") from None
            if alert is None:
                raise _StoppedError
            if alert.match is None or alert.state is not State.FINAL or alert.match.where is not step.where:
                continue
            if step.value in {alert.match.value, alert.match.type}:
                return alert


class _StoppedError(Exception):
    """The user has stopped the demo."""


def hops(times: Times) -> str:
    """Return how long each hop took, for people."""
    points = [
        ("seen", times.seen_at),
        ("sent", times.sent_at),
        ("received", times.received_at),
        ("judged", times.judged_at),
        ("command taken", times.taken_at),
        ("ended", times.ended_at),
    ]
    known = [(name, point) for name, point in points if point is not None]
    steps = [
        f"{name} +{(point - before).total_seconds() * 1000:.1f} ms"
        for (_, before), (name, point) in pairwise(known)
    ]
    return f"seen at {times.seen_at.astimezone():%H:%M:%S.%f}"[:-3] + ", " + ", ".join(steps)


@contextmanager
def _fresh_folder(folder: Path) -> Generator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise DemoError(f"{folder}: can't be made: {error.strerror}") from None
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _browser(folder: Path, url: str) -> list[str]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [
        shutil.which("chromium") or "chromium",
        *sandbox,
        f"--user-data-dir={folder / 'chromium'}",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--password-store=basic",
        "--test-type",  # no yellow bar about the missing sandbox
        "--host-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--window-size=1180,700",
        "--window-position=40,40",
        url,
    ]


def _copy(text: str, environment: dict[str, str]) -> None:
    """Copy as xclip does: it stays, as a child, to hand the text out; it ends with the desktop."""
    subprocess.run(
        [shutil.which("xclip") or "xclip", "-selection", "clipboard", "-in"],
        input=text.encode(),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=10,
        check=True,
    )


def _open(program: Path, environment: dict[str, str]) -> None:
    """Start the listed program, and leave it to Vedette to end it (to the desktop, if it does not)."""
    process = subprocess.Popen(
        [str(program), "-center", "I am on the list."],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    threading.Thread(target=process.wait, name="reaper", daemon=True).start()
