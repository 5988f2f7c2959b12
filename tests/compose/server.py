"""A server in containers, as an operator runs it from a folder of the product's files."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from tests import brokers
from tests.compose.engine import ROOT, SERVER_IMAGE, Engine
from tests.e2e.product import write_list
from tests.faults.running import until
from tests.faults.site import Server

SERVICES = ("broker", "analyzer")
_QUICK = """services:
  broker: {healthcheck: {interval: 1s, retries: 1}}
  analyzer: {healthcheck: {interval: 1s, retries: 1}}
"""
"""Nobody wants to wait half a minute for a test of what is asked each half minute."""


class ComposedServer(Server):
    """`docker compose up` with a list of its own. It is there for hosts outside like any other server."""

    def __init__(self, engine: Engine, folder: Path, kind: str, *rows: str) -> None:
        folder.mkdir()
        self.engine, self.folder, self.kind = engine, folder, kind
        self.port = brokers.free_port()
        self.project = f"vedette-test-{kind}-{os.getpid()}"
        files = ["docker-compose.yml"]
        environment = {"VEDETTE_PORT": str(self.port), "VEDETTE_IMAGE": SERVER_IMAGE}
        if kind == "mosquitto":
            files.append("compose.mosquitto.yml")
            environment["VEDETTE_MOSQUITTO"] = engine.mosquitto(folder / "image")
        for name in files:
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        (folder / "quick.yml").write_text(_QUICK)
        (folder / "data").mkdir(mode=0o755)
        self.list = folder / "data" / "blocklist.csv"
        self.rows = rows
        self.edit()
        engine.environment.update(environment)
        self._options = [word for name in (*files, "quick.yml") for word in ("-f", name)]

    def edit(self, *more: str) -> None:
        """Edit the list on this side."""
        write_list(self.list, *self.rows, *more)
        self.list.chmod(0o644)

    def compose(self, *arguments: str, within: float = 120.0) -> str:
        command = [*self.engine.compose_command, "-p", self.project, *self._options, *arguments]
        return self.engine.run(command, within=within, cwd=self.folder).stdout

    def up(self) -> None:
        self.compose("up", "-d")
        mount = self.engine.inspect(f"{self.project}_archive")["Mountpoint"]
        self.archive = Path(mount) / "archive.db"
        (self.folder / "ca.pem").write_text(self.compose("exec", "-T", "analyzer", "cat", "keys/ca.pem"))

    def down(self) -> None:
        """End it and take everything of it away."""
        self.compose("down", "--volumes", "--timeout", "5")

    def start(self) -> None:
        """Its containers run already."""

    def stop(self) -> None:
        """Its containers go on."""

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        return self.engine.inspect(self.compose("ps", "-q", service).strip())

    def health(self, service: str) -> str:
        return str(self.container(service)["State"]["Health"]["Status"])

    def await_health(self, service: str, wanted: str, within: float = 60.0) -> None:
        until(lambda: self.health(service) == wanted, f"{service} is {wanted}", within, every=0.2)

    def kill(self, service: str) -> None:
        """Kill the container's first process from outside, and wait until the engine has started another."""
        pid = self.container(service)["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)

        def another() -> bool:
            state = self.container(service)["State"]
            return state["Running"] and state["Pid"] not in {0, pid}

        until(another, f"{service} is back", 30.0)

    def seconds_to_stop(self) -> float:
        began = time.monotonic()
        self.compose("stop")
        return time.monotonic() - began
