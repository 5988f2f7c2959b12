"""How soon an alert is on a page that is open, what that costs, and whether a page can be used in a flood."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import psutil
from playwright.sync_api import Page, sync_playwright
from rich.progress import track
from vedette_archive import Batch, Writer
from vedette_console.deployment import toml
from vedette_console.web.accounts import Accounts
from vedette_console.web.roles import Role
from vedette_console.web.sessions import Sessions
from vedette_console.web.store import Store
from vedette_console.web.visits import SESSION
from vedette_schemas import Alert, Severity

from bench.result import percentile, publish, spread
from tests import authority, brokers
from tests.archive.history import alert

ALERTS = int(os.environ.get("VEDETTE_BENCH_ALERTS", "1000000"))
SESSIONS = 50
RATE, SECONDS = 50, 20
FLOOD, FLOOD_SECONDS = 1_000, 60
AIM_MS, AIM_CPU, AIM_LOAD_MS, AIM_CLICK_MS = 50.0, 3.0, 600.0, 200.0
_BATCH = 500
_SEEN = """() => {
    window.seen = [];
    new MutationObserver((changes) => {
        for (const change of changes) for (const node of change.addedNodes) {
            const told = /told at (\\d+\\.\\d+)/.exec(node.textContent ?? "");
            if (told) window.seen.push(performance.timeOrigin + performance.now() - 1000 * told[1]);
        }
    }).observe(document.getElementById("alerts"), { childList: true });
}"""


def told(number: int, severity: Severity = Severity.LOW) -> Alert:
    """Return an alert that says when it was told."""
    now = time.time()
    summary = f"told at {now:.6f}"
    return alert(number, id=uuid4(), at=datetime.fromtimestamp(now, UTC), severity=severity, summary=summary)


def fill(archive: Path) -> None:
    """Archive a year's alerts."""
    now, dice = datetime.now(UTC), list(Severity)
    with Writer(archive) as writer:
        for first in track(range(0, ALERTS, _BATCH), description="archiving"):
            some = (
                alert(
                    number,
                    id=UUID(int=number + 1),
                    at=now - timedelta(minutes=number % 500_000),
                    host=f"host-{number % 300}",
                    severity=dice[number % 5],
                )
                for number in range(first, min(first + _BATCH, ALERTS))
            )
            writer.store(Batch(alerts=tuple(some)))


@contextmanager
def console(folder: Path) -> Generator[tuple[str, psutil.Process, str]]:
    """Run the console over an archive; tell its address, its process, and the secret of a session."""
    authority.make_ca(folder / "ca").identity(folder / "identity", "console@main")
    port = brokers.free_port()
    settings = folder / "console.toml"
    settings.write_text(
        toml(
            {
                "archive": "archive.db",
                "identity": "identity",
                "listen": {"host": "127.0.0.1", "port": port},
                "broker": {"host": "127.0.0.1", "port": brokers.free_port(), "plain": True},
            }
        )
    )
    store = Store(folder / "console")
    Accounts(store).add("bench", Role.VIEWER, datetime.now(UTC))
    Accounts(store).choose("bench", "a few good words", datetime.now(UTC))
    secret = Sessions(store).begin("bench", datetime.now(UTC))
    store.close()
    command = [sys.executable, "-m", "vedette_console.web", "--settings", str(settings)]
    base = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not _answers(base):
            time.sleep(0.1)
        yield base, psutil.Process(process.pid), secret
        process.send_signal(signal.SIGTERM)


def _answers(base: str) -> bool:
    try:
        urllib.request.urlopen(f"{base}/sign-in", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


class Listeners:
    """Sessions that listen without a browser; what the first hears is the floor for what a page shows."""

    def __init__(self, base: str, secret: str, count: int) -> None:
        """Connect them."""
        self.heard: list[float] = []
        self._base, self._secret, self._count = base, secret, count
        self._loop = asyncio.new_event_loop()
        self._there = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        for _ in range(count):
            self._there.acquire()

    def close(self) -> None:
        """Leave."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        tasks = [self._loop.create_task(self._listen(number == 0)) for number in range(self._count)]
        self._loop.run_forever()
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _listen(self, measures: bool) -> None:  # noqa: FBT001
        port = int(self._base.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        query = "region=now-hosts&region=now-waiting&region=now-severities"
        writer.write(f"GET /live?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())
        writer.write(f"Cookie: {SESSION}={self._secret}\r\n\r\n".encode())
        await reader.readuntil(b"event: alerts")
        self._there.release()
        with contextlib.closing(writer):
            while line := await reader.readline():
                if measures and b"told at " in line:
                    now = time.time()
                    parts = line.split(b"told at ")[1:]
                    self.heard += [1000 * (now - float(part[:17])) for part in parts[::2]]


def tell(archive: Path, rate: int, seconds: float) -> None:
    """Archive alerts at a rate, some at once where they are many."""
    with Writer(archive) as writer:
        began, number, at_once = time.monotonic(), 0, max(1, rate // 50)
        while number < rate * seconds:
            wait = began + number / rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            writer.store(Batch(alerts=tuple(told(number) for _ in range(at_once))))
            number += at_once


def steady(
    base: str, process: psutil.Process, secret: str, archive: Path, page: Page
) -> tuple[list[float], list[float], float]:
    """Return how long it took to the page and to a bare listener, and the share of a core."""
    listeners = Listeners(base, secret, SESSIONS - 1)
    page.evaluate(_SEEN)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    tell(archive, RATE, SECONDS)
    page.wait_for_timeout(500)
    share = 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    listeners.close()
    return [float(each) for each in page.evaluate("window.seen")], listeners.heard, share


def flood(archive: Path, page: Page) -> tuple[list[float], str]:
    """Return how long clicks took while far too much came, and what the page says of what it left out."""
    telling = threading.Thread(target=tell, args=(archive, FLOOD, FLOOD_SECONDS))
    telling.start()
    clicks: list[float] = []
    while telling.is_alive():
        began = time.monotonic()
        page.locator(".me summary").click()
        page.locator(".menu").wait_for(state="visible")
        clicks.append(1000 * (time.monotonic() - began))
        page.locator(".me summary").click()
        page.wait_for_timeout(200)
    telling.join()
    return clicks, page.locator("#folded").inner_text()


def main() -> None:
    """Measure, and say what was found."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        archive = Path(folder) / "archive.db"
        fill(archive)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with console(Path(folder)) as (base, process, secret):
            context = browser.new_context(base_url=base)
            where = base.replace("http:", "https:")
            context.add_cookies([{"name": SESSION, "value": secret, "url": where, "secure": True}])
            page = context.new_page()
            loads: list[float] = []
            for _ in range(5):
                began = time.monotonic()
                page.goto("/", wait_until="domcontentloaded")
                loads.append(1000 * (time.monotonic() - began))
            page.wait_for_selector("#live.on")
            shown, heard, share = steady(base, process, secret, archive, page)
            clicks, says = flood(archive, page)
            browser.close()
    sys.stdout.write(f"in the flood the page says: {says}\n")
    slowest, p95, click = max(loads[1:]), percentile(shown, 95), percentile(clicks, 95)
    met = (
        p95 <= AIM_MS
        and share <= AIM_CPU
        and slowest <= AIM_LOAD_MS
        and click <= AIM_CLICK_MS
        and "more" in says
    )
    publish(
        "console",
        unit="ms",
        ours=round(p95, 2),
        floor=round(percentile(heard, 95), 2),
        aim=f"p95 {AIM_MS:.0f} ms to the DOM, {AIM_CPU:.0f} % of a core, Now in {AIM_LOAD_MS:.0f} ms, a click"
        f" in {AIM_CLICK_MS:.0f} ms in a flood",
        met=met,
        details={
            f"in the DOM, {SESSIONS} sessions, {RATE} alerts/s": {**spread(shown), "n": len(shown)},
            "at a listener without a browser (floor)": {**spread(heard), "n": len(heard)},
            f"Now over {ALERTS:,} alerts": {**spread(loads[1:]), "first": round(loads[0], 2)},
            f"a click at {FLOOD:,} alerts/s": {**spread(clicks), "n": len(clicks)},
            "share of a core, %": {"p50": round(share, 2)},
        },
    )


if __name__ == "__main__":
    main()
