"""The product, running as a user would run it, on a desktop of its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

import psutil
from vedette_console.deployment import free_port
from vedette_console.desktop import desktop
from vedette_schemas import Alert

START_SECONDS = 60.0
HEADER = "type,value,action,severity,expires,source,attack,comment\n"


class Running:
    """`vedette up --json` and what it says."""

    def __init__(self, process: "subprocess.Popen[str]", environment: dict[str, str], folder: Path) -> None:
        """Read what it says, in the background."""
        self.process, self.environment, self.folder = process, environment, folder
        self.alerts: SimpleQueue[Alert] = SimpleQueue()
        self._ready = threading.Event()
        threading.Thread(target=self._read_alerts, daemon=True).start()
        threading.Thread(target=self._read_words, daemon=True).start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the product did not get ready")

    def pid(self, module: str) -> int:
        """Return the PID of one of its programs, by its module."""
        children: list[psutil.Process] = psutil.Process(self.process.pid).children()
        for child in children:
            if module in child.cmdline():
                return int(child.pid)
        raise RuntimeError(f"{module} does not run")

    def _read_alerts(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.alerts.put(Alert.model_validate(json.loads(line)))

    def _read_words(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("ready"):
                self._ready.set()


@contextmanager
def product(*rows: str, portable: bool = False) -> Generator[Running]:
    """Run it with a list of these rows while the block lasts."""
    with TemporaryDirectory() as name, desktop(Path(name)) as environment:
        folder = Path(name)
        (folder / "list.csv").write_text(HEADER + "\n".join(rows) + "\n")
        command = [sys.executable, "-m", "vedette_console", "up", "--json", "--host", "bench"]
        options = [
            "--folder",
            str(folder / "run"),
            "--list",
            str(folder / "list.csv"),
            "--port",
            str(free_port()),
            "--ca-port",
            str(free_port()),
        ]
        process = subprocess.Popen(
            [*command, *options, *(["--portable"] if portable else [])],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Running(process, environment, folder)
        finally:
            process.terminate()
            process.wait(10)
