"""From the X server's event to the process gone, hop by hop; the floor is the same hops in bare scripts."""

import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory

from rich.progress import track
from vedette_console.deployment import free_port
from vedette_console.desktop import desktop
from vedette_schemas import Alert, State
from Xlib import X
from Xlib.display import Display
from Xlib.error import ConnectionClosedError

from bench import floor_latency
from bench.product import product
from bench.result import percentile, publish, spread

RUNS = 200
WARM_UP = 5
SETTLE_SECONDS = 0.25
"""Between runs: a session lets ten windows a second through in the long run, and a run is two of them."""

PROGRAM = "vedette-bench-program"
FIRST_AIM_MS, FIRST_AIM_RATIO = 15.0, 3.0


class Events:
    """When the X server said that another window is in front, as seen by a client of our own.

    A listed program comes to the front and is gone again: two events or more, of which the first counts.
    """

    def __init__(self, name: str) -> None:
        """Listen on a display."""
        self._display = Display(name)
        self._active = self._display.intern_atom("_NET_ACTIVE_WINDOW")
        self._display.screen().root.change_attributes(event_mask=X.PropertyChangeMask)
        self._display.flush()
        self.seen: SimpleQueue[float] = SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(ConnectionClosedError):
            while True:
                event = self._display.next_event()
                if event.type == X.PropertyNotify and event.atom == self._active:
                    self.seen.put(time.time())

    def settle(self) -> None:
        """Wait until nothing has come to the front for a while, and forget what did."""
        with suppress(Empty):
            while True:
                self.seen.get(timeout=SETTLE_SECONDS)


def open_and_await_end(
    program: Path, environment: dict[str, str], events: Events
) -> tuple[int, float, float]:
    """Open the program's window; return its PID, when it came to the front, and when the process was gone."""
    events.settle()
    process = subprocess.Popen(
        [str(program), "-center", "listed"], env=environment, stderr=subprocess.DEVNULL
    )
    fd = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        if not poll.poll(20_000):
            raise RuntimeError("the program was not ended within 20 s")
        gone = time.time()
    finally:
        os.close(fd)
        process.kill()
        process.wait()
    came = events.seen.get(timeout=5)
    return process.pid, came, gone


def measure(
    name: str, folder: Path, environment: dict[str, str], after: Callable[[int, float, float], None]
) -> None:
    """Open the program again and again; `after` is told each run's PID, beginning and end."""
    program = folder / PROGRAM
    shutil.copy(shutil.which("xmessage") or "xmessage", program)
    events = Events(environment["DISPLAY"])
    for run in track(range(RUNS + WARM_UP), description=name):
        pid, came, gone = open_and_await_end(program, environment, events)
        if run >= WARM_UP:
            after(pid, came, gone)


def ours() -> tuple[list[float], dict[str, list[float]]]:
    """Return the latencies of the product in ms, in all and by hop."""
    totals: list[float] = []
    hops: dict[str, list[float]] = {}
    with product(f"program,{PROGRAM},terminate,high,,,,") as running:

        def after(pid: int, came: float, gone: float) -> None:
            totals.append((gone - came) * 1000)
            for hop, took in split(came, gone, final_alert(running.alerts, pid)).items():
                hops.setdefault(hop, []).append(took)

        measure("the product", running.folder, running.environment, after)
    return totals, hops


def final_alert(alerts: "SimpleQueue[Alert]", pid: int) -> Alert:
    """Return the alert that says that this process was ended."""
    while True:
        try:
            alert = alerts.get(timeout=20)
        except Empty:
            raise RuntimeError("no final alert within 20 s") from None
        if alert.state is State.FINAL and alert.done == f"ended {PROGRAM} (pid {pid})":
            return alert


def split(came: float, gone: float, alert: Alert) -> dict[str, float]:
    """Return how long each hop took, in ms."""
    times = alert.times
    assert times is not None
    assert times.taken_at is not None
    points: list[tuple[str, float]] = [
        ("X event → session", times.seen_at.timestamp()),
        ("session → sensor", times.sent_at.timestamp()),
        ("sensor → broker → analyzer", times.received_at.timestamp()),
        ("judging", times.judged_at.timestamp()),
        ("sign → broker → enforcer", times.taken_at.timestamp()),
        ("verify, guard, end", gone),
    ]
    hops: dict[str, float] = {}
    before = came
    for name, point in points:
        hops[name] = (point - before) * 1000
        before = point
    return hops


def floor() -> list[float]:
    """Return the latencies in ms of bare scripts that do the same hops and nothing else."""
    totals: list[float] = []
    with TemporaryDirectory() as name, desktop(Path(name)) as environment:
        folder = Path(name)
        with floor_latency.running(folder, environment, folder / PROGRAM, str(free_port())):
            measure(
                "the floor", folder, environment, lambda _, came, gone: totals.append((gone - came) * 1000)
            )
    return totals


def main() -> None:
    """Measure both, and publish."""
    began = datetime.now().astimezone()
    bare = floor()
    totals, hops = ours()
    mine, least = percentile(totals, 50), percentile(bare, 50)
    publish(
        "latency",
        unit="ms",
        ours=round(mine, 2),
        floor=round(least, 2),
        aim=f"p50 ≤ {FIRST_AIM_MS:.0f} ms and ≤ {FIRST_AIM_RATIO:.0f} × floor",
        met=mine <= FIRST_AIM_MS and mine <= FIRST_AIM_RATIO * least,
        details={
            f"ours, {RUNS} runs": spread(totals),
            "floor": spread(bare),
            **{f"  {hop}": spread(values) for hop, values in hops.items()},
        },
    )
    sys.stdout.write(f"took {(datetime.now().astimezone() - began).seconds} s\n")


if __name__ == "__main__":
    main()
