"""Observations from spool to ack, as many as there can be; the floor is the same bytes into `executemany`."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from vedette_archive import Reader
from vedette_console.deployment import Deployment, free_port
from vedette_console.trusting import is_established
from vedette_transport import BrokerAddress

from bench.ingest_load import COUNT
from bench.result import publish

WAIT_SECONDS = 300.0
FIRST_AIM_MICROSECONDS, FIRST_AIM_RATIO = 40.0, 4.0
LIST = Path(__file__).parent.parent / "data" / "blocklist.csv"


class Watched:
    """A program, and the processor time it takes."""

    def __init__(self, *command: str, log: Path) -> None:
        """Start it."""
        self._log, self._command = log.open("ab"), " ".join(command)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self._watched = psutil.Process(self._process.pid)
        self._began = 0.0
        self._size = 0.0

    @property
    def pid(self) -> int:
        """Its PID."""
        return self._process.pid

    @property
    def _seconds(self) -> float:
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    @property
    def _megabytes(self) -> float:
        return float(self._watched.memory_info().rss) / 2**20

    def begin(self) -> None:
        """Reckon from now on."""
        self._began, self._size = self._seconds, self._megabytes

    def microseconds(self) -> float:
        """Return the processor time since then, an observation."""
        return round((self._seconds - self._began) / COUNT * 1e6, 1)

    def grown(self) -> float:
        """Return by how many megabytes it has grown since then."""
        return round(self._megabytes - self._size, 1)

    def await_line(self, wanted: str) -> None:
        """Wait until it says so."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != wanted:
            raise RuntimeError(f"{self._command} said {said!r}, not {wanted!r}")

    def go(self) -> None:
        """Tell it to begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    @contextmanager
    def pictured(self, path: Path) -> Generator[None]:
        """Draw where its processor time goes while the block lasts."""
        spy = Path(sys.executable).with_name("py-spy")
        command = (spy, "record", "--pid", str(self._process.pid), "--output", path, "--rate", "500", "--gil")
        with subprocess.Popen(command, stdout=self._log, stderr=self._log) as drawing:
            time.sleep(1.0)  # it says nowhere when it has begun to look
            yield
            drawing.send_signal(signal.SIGINT)
        title = re.compile(r">[^<]*py-spy record[^<]*<")  # its command line, with this machine's paths
        path.write_text(title.sub(">the analyzer while observations come in<", path.read_text()))

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._log.close()


def started(stack: ExitStack, *command: str, log: Path) -> Watched:
    """Run a program until the stack is left."""
    found = Watched(*command, log=log)
    stack.callback(found.end)
    return found


def broker(stack: ExitStack, kind: str, folder: Path, deployment: Deployment) -> Watched:
    """Run a broker of this kind on the deployment's port."""
    address = deployment.broker
    command = deployment.command("broker")
    if kind == "mosquitto":
        settings = folder / "mosquitto.conf"
        settings.write_text(
            f"listener {address.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        )
        command = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(settings)]
    running = started(stack, *command, log=folder / "broker.log")
    while True:
        with ExitStack() as probe:
            try:
                probe.enter_context(socket.create_connection((address.host, address.port), 1))
            except OSError:
                time.sleep(0.05)
                continue
        return running


def product(kind: str, picture: Path | None = None) -> dict[str, object]:
    """Measure what the product takes; with `picture`, draw where the analyzer's time goes."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        where = BrokerAddress(port=free_port(), plain=True)
        deployment = Deployment(folder / "run", "host-7", where, (LIST,), free_port())
        deployment.prepare()
        started(stack, *deployment.command("ca"), log=folder / "ca.log")
        while not is_established(deployment):
            time.sleep(0.05)
        middle = broker(stack, kind, folder, deployment)
        load = (
            sys.executable,
            "-m",
            "bench.ingest_load",
            str(deployment.broker.port),
            str(folder / "spool.db"),
        )
        sensor = started(stack, *load, log=folder / "sensor.log")
        sensor.await_line("connected")
        analyzer = started(stack, *deployment.command("analyzer"), log=folder / "analyzer.log")
        sensor.await_line("ready")
        if picture is not None:
            stack.enter_context(analyzer.pictured(picture))
        for program in (middle, analyzer, sensor):
            program.begin()
        began = time.monotonic()
        sensor.go()
        sensor.await_line("spooled")
        spooled = time.monotonic() - began
        sensor.await_line("acked")
        seconds = time.monotonic() - began
        found: dict[str, object] = {
            "obs/s": round(COUNT / seconds),
            "spooled/s": round(COUNT / spooled),
            "analyzer": analyzer.microseconds(),
            "sensor": sensor.microseconds(),
            "broker": middle.microseconds(),
            "analyzer MB": analyzer.grown(),
            "sensor MB": sensor.grown(),
        }
        with Reader(folder / "run" / "archive.db") as reader:
            counts = reader.counts()
        if counts.archived < COUNT or counts.missing or counts.dropped:
            raise RuntimeError(f"not all of {COUNT} is archived: {counts}")
        return found


def floor(kind: str) -> dict[str, object]:
    """Measure the same bytes through the same broker into a bare `executemany`."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        where = BrokerAddress(port=free_port(), plain=True)
        deployment = Deployment(folder / "run", "host-7", where, (LIST,), free_port())
        deployment.prepare()
        middle = broker(stack, kind, folder, deployment)
        port = str(deployment.broker.port)
        script = (sys.executable, "-m", "bench.floor_ingest")
        subscriber = started(stack, *script, "subscribe", port, str(folder / "a.db"), log=folder / "log")
        subscriber.await_line("ready")
        publisher = started(stack, *script, "publish", port, log=folder / "log")
        publisher.await_line("ready")
        for program in (middle, subscriber, publisher):
            program.begin()
        began = time.monotonic()
        publisher.go()
        subscriber.await_line("done")
        seconds = time.monotonic() - began
        return {
            "obs/s": round(COUNT / seconds),
            "analyzer": subscriber.microseconds(),
            "sensor": publisher.microseconds(),
            "broker": middle.microseconds(),
        }


def main() -> None:
    """Measure on both brokers, each with its floor beside it."""
    found = {
        f"{kind}{', floor' if measure is floor else ''}": measure(kind)
        for kind in ("embedded", "mosquitto")
        for measure in (product, floor)
    }
    ours, bare = (float(str(found[row]["analyzer"])) for row in ("mosquitto", "mosquitto, floor"))
    if picture := os.environ.get("PICTURE"):
        product("mosquitto", Path(picture))
    publish(
        "ingest",
        unit="µs of processor time an observation",
        ours=ours,
        floor=bare,
        aim=f"<= {FIRST_AIM_MICROSECONDS} µs and <= {FIRST_AIM_RATIO} x floor",
        met=ours <= FIRST_AIM_MICROSECONDS and ours <= FIRST_AIM_RATIO * bare,
        details=found,
    )


if __name__ == "__main__":
    main()
