"""A server in containers, as an operator runs it from a folder of the product's files."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from vedette_console.deployment import toml
from vedette_transport.joining import join

from tests import brokers
from tests.compose.engine import ROOT, SERVER_IMAGE, Engine
from tests.e2e.product import write_list
from tests.faults.running import until
from tests.faults.site import Host, Server

SERVICES = ("ca", "broker", "analyzer", "console")
NAMES = ("localhost", "server.example", "192.0.2.5", "2001:db8::5")
_QUICK = """services:
  ca: {healthcheck: {interval: 2s, retries: 1}}
  broker: {healthcheck: {interval: 2s, retries: 1}}
  analyzer: {healthcheck: {interval: 2s, retries: 1}}
  console: {healthcheck: {interval: 4s, retries: 1}}
"""
"""Nobody wants to wait half a minute for a test of what is asked each half minute."""


class ComposedServer(Server):
    """`docker compose up` with a list of its own. It is there for hosts outside like any other server."""

    def __init__(self, engine: Engine, folder: Path, kind: str, *rows: str) -> None:
        folder.mkdir()
        self.engine, self.folder, self.kind = engine, folder, kind
        self.port, self.ca_port, self.console_port = (brokers.free_port() for _ in range(3))
        self.project = f"vedette-test-{kind}-{os.getpid()}"
        files = ["docker-compose.yml"]
        environment = {
            "VEDETTE_PORT": str(self.port),
            "VEDETTE_CA_PORT": str(self.ca_port),
            "VEDETTE_CONSOLE_PORT": str(self.console_port),
            "VEDETTE_NAMES": " ".join(NAMES),
            "VEDETTE_IMAGE": SERVER_IMAGE,
        }
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

    def compose(self, *arguments: str) -> str:
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr[-2_000:]}{done.stdout[-500:]}"
        return done.stdout

    def attempt(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*self.engine.compose_command, "-p", self.project, *self._options, *arguments]
        return self.engine.run(command, within=120.0, check=False, cwd=self.folder)

    def up(self) -> None:
        self.compose("up", "-d")
        mount = self.engine.inspect(f"{self.project}_archive")["Mountpoint"]
        self.archive = Path(mount) / "archive.db"
        self.await_health("ca", "healthy")
        self.ca.write_text(self.compose("exec", "-T", "ca", "cat", "ca/public/ca.pem"))

    def token(self, name: str, *options: str) -> str:
        """Enrol as an operator does."""
        return self.compose("exec", "-T", "ca", "vedette", "enrol", name, *options).strip()

    def join_as_operator(self, name: str) -> Path:
        """Have an operator join on this side, be known to Mosquitto, and return the identity's folder."""
        token = self.token(f"operator@{name}")
        (identity,) = join(token, self.folder / name, operator=True).folders
        self.know_operators()
        return identity

    def know_operators(self) -> None:
        """Have Mosquitto read its rules again."""
        if self.kind == "mosquitto":
            self.compose("exec", "-T", "broker", "sh", "-c", "kill -HUP 1")

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

    def await_health(self, service: str, wanted: str, within: float = 180.0) -> None:
        until(lambda: self.health(service) == wanted, f"{service} is {wanted}", within, every=0.2)

    def kill(self, service: str) -> None:
        """Kill the container's first process from outside, and wait until the engine has started another."""
        pid = self.container(service)["State"]["Pid"]
        os.kill(pid, signal.SIGKILL)

        def another() -> bool:
            state = self.container(service)["State"]
            return state["Running"] and state["Pid"] not in {0, pid}

        until(another, f"{service} is back", 30.0)


class JoinedHost(Host):
    """A host outside that has joined: by its identity it knows who it is, and where the server is."""

    def __init__(self, server: ComposedServer) -> None:
        super().__init__(server)
        self._server = server
        for program in ("sensor", "enforcer"):
            settings = {
                "identity": f"{self.folder}/identity/{program}",
                "socket": f"{program}.sock",
                "spool": f"{self.folder}/{program}-spool.db",
            }
            (self.folder / f"{program}.toml").write_text(toml(settings))

    def start(self) -> None:
        join(self._server.token(self.name), self.folder / "identity", operator=False)
        super().start()
