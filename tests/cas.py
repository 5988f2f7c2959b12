"""A real `vedette ca serve`, on a free port of loopback."""

import contextlib
import queue
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vedette_console.ca import enrol, make_ca
from vedette_console.ca.folder import SETTINGS, published_ca
from vedette_schemas import JoinToken
from vedette_transport.settings import Address
from vedette_transport.tls import trusting

from tests import brokers, identities

WAIT = 20.0
READY = "the CA answers at"


@dataclass
class RunningCa:
    folder: Path
    address: Address
    process: "subprocess.Popen[str]"
    lines: "queue.SimpleQueue[str]" = field(default_factory=queue.SimpleQueue[str])
    log: list[str] = field(default_factory=list[str])

    def token(self, name: str = "host-8", life: timedelta = timedelta(hours=1)) -> JoinToken:
        return enrol(self.folder, name, life, datetime.now(UTC), ca=None, broker=None)

    def await_line(self, part: str) -> str:
        """Return the next line of its log that has this in it."""
        while True:
            try:
                line = self.lines.get(timeout=WAIT)
            except queue.Empty:
                raise AssertionError(f"the CA did not say {part!r} but {self.log}") from None
            if part in line:
                return line

    def context(self) -> ssl.SSLContext:
        return trusting(identities.pem(published_ca(self.folder)).decode())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(WAIT)


def make(folder: Path, more: str = "") -> Path:
    """Make a CA that will answer on loopback; `more` goes into its settings."""
    make_ca(folder, ["127.0.0.1"])
    port = brokers.free_port()
    with (folder / SETTINGS).open("a") as settings:
        settings.write(f'ca = "127.0.0.1:{port}"\nlisten = {{host = "0.0.0.0", port = {port}}}\n{more}')
    return folder


@contextmanager
def serving(folder: Path) -> Generator[RunningCa]:
    """Run the CA of a folder until the block ends; it answers when the block begins."""
    running = start(folder)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(WAIT)


def start(folder: Path) -> RunningCa:
    command = [sys.executable, "-P", "-m", "vedette_console.ca", "--settings", str(folder / SETTINGS)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    stderr = process.stderr
    assert stderr is not None
    settings = (folder / SETTINGS).read_text()
    port = int(settings.split('ca = "127.0.0.1:')[1].split('"')[0])
    running = RunningCa(folder, Address(host="127.0.0.1", port=port), process)

    def read() -> None:
        with contextlib.suppress(ValueError), stderr:
            for line in stderr:
                running.log.append(line)
                running.lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    running.await_line(READY)
    return running
