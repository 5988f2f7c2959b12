"""The product as a user runs it: `vedette up`, what it says, and its programs."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from vedette_schemas import Alert

from tests import brokers

WAIT = 40.0
HEADER = "type,value,action,severity,expires,source,attack,comment\n"


def write_list(path: Path, *rows: str) -> Path:
    """Replace a list in one step, as a careful editor does."""
    new = path.with_suffix(".new")
    new.write_text(HEADER + "\n".join(rows) + "\n", "utf-8")
    new.replace(path)
    return path


class Product:
    """`vedette up` with a list of its own; ready when the block begins, gone when it ends."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        rows: tuple[str, ...] = ("phrase,some phrase,alert,low,,,,",),
        environment: Mapping[str, str] | None = None,
        broker: brokers.RunningBroker | None = None,
        plain: bool = False,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.list = folder, write_list(folder / "list.csv", *rows)
        self.port = broker.address.port if broker else brokers.free_port()
        where = ["--broker", str(broker.address)] if broker else ["--port", str(self.port)]
        where += ["--ca-port", str(brokers.free_port()), *(["--plain"] if plain or broker else [])]
        self.command = [
            *(sys.executable, "-m", "vedette_console", "up", "--host", "host-7", *where),
            *("--folder", str(folder / "run"), "--list", str(self.list), "--console", "off", *options),
        ]
        without = {
            name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}
        }
        self.environment = dict(environment) if environment is not None else without
        self.lines: list[str] = []
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.await_line(lambda line: line.startswith("ready"))
        return self

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, how: signal.Signals = signal.SIGINT) -> float:
        """Stop it; return the seconds that it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(WAIT)
        took = time.monotonic() - began
        self.process.kill()
        self.process.wait()
        self._reader.join(WAIT)
        return took

    def await_line(self, wanted: Callable[[str], bool], within: float = WAIT) -> str:
        """Wait until it says a line of that kind."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"not said within {within} s; said was:\n{''.join(self.lines)}"
                ) from None
            assert line is not None, f"it ended; said was:\n{''.join(self.lines)}"
            if wanted(line):
                return line

    def await_alert(self, wanted: Callable[[Alert], bool]) -> Alert:
        """Wait for an alert of that kind (with `--json`)."""
        found: list[Alert] = []

        def fits(line: str) -> bool:
            if line.startswith("{"):
                alert = Alert.model_validate(json.loads(line))
                if wanted(alert):
                    found.append(alert)
            return bool(found)

        self.await_line(fits)
        return found[0]

    def pid(self, program: str) -> int:
        """Return the PID of one of its programs, by its settings file."""
        for child in psutil.Process(self.process.pid).children():
            if any(part.endswith(f"/{program}.toml") for part in child.cmdline()):
                return int(child.pid)
        raise AssertionError(f"{program} does not run")

    def pids(self) -> list[int]:
        """Return the PIDs of all its programs."""
        return [int(child.pid) for child in psutil.Process(self.process.pid).children(recursive=True)]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line)
                self._said.put(line)
        self._said.put(None)
