"""Memory and CPU of session, sensor and enforcer, idle and in use; the floor is bare scripts at rest."""

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from rich.progress import track
from vedette_console.deployment import free_port
from vedette_console.desktop import desktop
from Xlib import X
from Xlib.display import Display

from bench import floor_latency
from bench.product import product
from bench.result import publish

SECONDS = 60
TITLES_A_MINUTE, COPIES_A_MINUTE = 20, 6
MODULES = {"session": "vedette_sensor.session", "sensor": "vedette_sensor", "enforcer": "vedette_enforcer"}
FIRST_AIM_MB, FIRST_AIM_PERCENT = 50.0, 0.2


class Meter:
    """What processes use, from one look to the next."""

    def __init__(self, pids: dict[str, int]) -> None:
        """Look at these."""
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._began = {name: self._seconds(name) for name in pids}
        self._at = time.monotonic()

    def _seconds(self, name: str) -> float:
        used = self._processes[name].cpu_times()
        return float(used.user + used.system)

    def read(self) -> dict[str, tuple[float, float]]:
        """Return each one's RSS in MB, and its CPU in percent of a core since the last look."""
        now = time.monotonic()
        found: dict[str, tuple[float, float]] = {}
        for name, process in self._processes.items():
            used = self._seconds(name)
            rss = process.memory_info().rss / 1e6
            found[name] = (round(rss, 1), round((used - self._began[name]) / (now - self._at) * 100, 2))
            self._began[name] = used
        self._at = now
        return found


def use(environment: dict[str, str]) -> None:
    """Change a window's title and copy text, evenly over a minute."""
    display = Display(environment["DISPLAY"])
    root = display.screen().root
    window = root.create_window(0, 0, 300, 200, 0, X.CopyFromParent)
    window.set_wm_name("a window")
    window.map()
    display.flush()
    events = sorted(
        [(n * SECONDS / TITLES_A_MINUTE, "title", n) for n in range(TITLES_A_MINUTE)]
        + [(n * SECONDS / COPIES_A_MINUTE + 0.5, "copy", n) for n in range(COPIES_A_MINUTE)]
    )
    began = time.monotonic()
    for at, what, number in track(events, description="in use"):
        time.sleep(max(0.0, began + at - time.monotonic()))
        if what == "title":
            window.set_wm_name(f"document {number} - an editor")
            display.flush()
        else:
            copy = ["xclip", "-selection", "clipboard", "-in"]
            text = f"copied text number {number}, see https://example.com/{number}".encode()
            subprocess.run(copy, input=text, env=environment, stdout=subprocess.DEVNULL, check=True)
    time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    display.close()


def idle() -> None:
    """Do nothing for a minute."""
    for _ in track(range(SECONDS), description="idle"):
        time.sleep(1)


def floor() -> dict[str, tuple[float, float]]:
    """Return what bare scripts with the same connections use while they are idle."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        environment = stack.enter_context(desktop(folder))
        stack.enter_context(floor_latency.running(folder, environment, folder / "nothing", str(free_port())))
        pids: dict[str, int] = {}
        for child in psutil.Process().children():
            words = child.cmdline()
            if "bench.floor_latency" in words:
                pids[words[words.index("bench.floor_latency") + 1]] = int(child.pid)
        meter = Meter({name: pids[name] for name in MODULES})
        idle()
        return meter.read()


def main() -> None:
    """Measure, and publish."""
    bare = floor()
    with product("phrase,nothing that anybody shows,alert,low,,,,") as running:
        time.sleep(2)  # what is done once at the start is no idling
        meter = Meter({name: running.pid(module) for name, module in MODULES.items()})
        idle()
        resting = meter.read()
        use(running.environment)
        busy = meter.read()
    details = {
        name: {
            "MB": resting[name][0],
            "% idle": resting[name][1],
            "MB in use": busy[name][0],
            "% in use": busy[name][1],
            "floor MB": bare[name][0],
            "floor %": bare[name][1],
        }
        for name in MODULES
    }
    met = all(resting[n][0] <= FIRST_AIM_MB and resting[n][1] <= FIRST_AIM_PERCENT for n in MODULES)
    publish(
        "footprint",
        unit="MB",
        ours=round(sum(rss for rss, _ in resting.values()), 1),
        floor=round(sum(rss for rss, _ in bare.values()), 1),
        aim=f"≤ {FIRST_AIM_MB:.0f} MB and ≤ {FIRST_AIM_PERCENT} % of a core each, idle",
        met=met,
        details=details,
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
