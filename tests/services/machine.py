"""A host with a systemd that runs: a container, whose folders, processes and network are its own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.compose.engine import ROOT, Engine
from tests.faults.running import until

IMAGE = "vedette-test-host"
_MEMBERS = ("schemas", "indicators", "transport", "sensor", "enforcer")
_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_NICE")
"""What systemd needs to confine, and what it leaves to the programs. Nothing of the machine's is mounted."""


class Machine:
    """It runs from `start` to `stop`."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder
        self.name = f"vedette-test-host-{os.getpid()}"

    def build(self) -> None:
        context = self.folder / "context"
        for member in _MEMBERS:
            unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "dist")
            shutil.copytree(ROOT / member, context / "host" / member, ignore=unwanted)
        shutil.copy(ROOT / "requirements.lock", context)
        shutil.copy(Path(__file__).with_name("Dockerfile"), context)
        self._engine.docker("build", "--network", "host", "-t", IMAGE, str(context), within=400.0)

    def start(self) -> None:
        self._engine.docker(
            *("run", "--detach", "--name", self.name, "--hostname", "host-7", "--cgroupns", "private"),
            *(word for capability in _CAPABILITIES for word in ("--cap-add", capability)),
            *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
            *(
                "--tmpfs",
                "/run",
                "--tmpfs",
                "/tmp:exec",
                "--volume",
                f"{ROOT / 'tests'}:/src/tests:ro",
                IMAGE,
            ),
        )
        until(lambda: self.call("systemctl", "is-system-running").stdout.strip() == "running", "it runs", 30)

    def stop(self) -> None:
        self._engine.docker("rm", "--force", "--volumes", self.name, check=False)

    @property
    def gateway(self) -> str:
        """Where its side of our network is."""
        return str(self._engine.inspect(self.name)["NetworkSettings"]["Gateway"])

    def call(
        self, *command: str, user: str = "root", folder: str = "/src"
    ) -> "subprocess.CompletedProcess[str]":
        options = ["--user", user, "--workdir", folder]
        return self._engine.run(["docker", "exec", *options, self.name, *command], check=False)

    def run(self, *command: str, user: str = "root") -> str:
        done = self.call(*command, user=user)
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        return done.stdout

    def put(self, path: Path, where: str) -> None:
        self._engine.docker("cp", str(path), f"{self.name}:{where}")

    def has(self, path: str) -> bool:
        return self.call("test", "-e", path).returncode == 0
