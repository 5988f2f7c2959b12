"""A Docker engine, compose, and the images that the tests run."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.running import until

ROOT = Path(__file__).parents[2]
STARTER = ROOT.parent / "shared" / "tools" / "docker-engine"
"""Starts an engine on a machine that has none; the product does without it."""

SERVER_IMAGE = "vedette-test-server"
MOSQUITTO_IMAGE = "eclipse-mosquitto:2"
_STAND_IN = "vedette-test-mosquitto"
_MOSQUITTO = ("mosquitto", "mosquitto_sub")


@dataclass(frozen=True)
class Engine:
    """An engine that answers, and how compose is called there."""

    environment: dict[str, str]
    compose_command: tuple[str, ...]
    started: bool
    """Whether it was started for the tests, by `STARTER`."""

    def docker(self, *arguments: str, within: float = 60.0, check: bool = True) -> str:
        return self.run(["docker", *arguments], within=within, check=check).stdout.strip()

    def run(
        self, command: Sequence[str], *, within: float = 60.0, check: bool = True, **more: Any
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
            stdin=subprocess.DEVNULL,
            **more,
        )
        assert done.returncode == 0 or not check, (
            f"{' '.join(command)}: {done.stderr[-2_000:]}{done.stdout[-500:]}"
        )
        return done

    def inspect(self, what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.docker("inspect", what))[0]
        return found

    def build_server(self) -> None:
        self.docker("build", "--network", "host", "-t", SERVER_IMAGE, str(ROOT), within=400.0)

    def mosquitto(self, folder: Path) -> str:
        """Return the image to run for Mosquitto: the official one, or this machine's own in its likeness."""
        for attempt in ("inspect", "pull"):
            if (
                self.run(["docker", "image", attempt, MOSQUITTO_IMAGE], within=120.0, check=False).returncode
                == 0
            ):
                return MOSQUITTO_IMAGE
        for program in _MOSQUITTO:
            for file in _files_of(program):
                into = folder / file.relative_to("/")
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, into)
        (folder / "Dockerfile").write_text("FROM python:3.12-slim\nCOPY lib /lib\nCOPY usr /usr\n")
        self.docker("build", "-t", _STAND_IN, str(folder), within=120.0)
        return _STAND_IN

    def close(self) -> None:
        """End it if it was started for the tests, and wait until another can be."""
        if self.started:
            pid = (_folder() / "dockerd.pid").read_text().strip()
            subprocess.run([STARTER, "stop"], check=False, capture_output=True, timeout=60)
            until(lambda: not Path(f"/proc/{pid}").exists(), "the engine has ended", 30)


def find() -> Engine:
    """Return an engine, started if need be; skip the test, with the reason, where none can be had."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to end a container's process and to read a volume")
    for program in ("docker", "mosquitto_sub"):
        if shutil.which(program) is None and not STARTER.exists():
            pytest.skip(f"{program} is not installed")
    environment = dict(os.environ)
    started = False
    if not _answers(environment):
        if not STARTER.exists():
            pytest.skip("no Docker engine answers here")
        environment["DOCKER_HOST"] = f"unix://{_folder() / 'docker.sock'}"
        started = not _answers(environment)
        done = subprocess.run([STARTER, "start"], capture_output=True, text=True, check=False, timeout=500)
        if done.returncode != 0:
            pytest.skip(f"no Docker engine can be started here: {done.stderr.strip()[-300:]}")
    for command in (("docker", "compose"), ("docker-compose",)):
        if shutil.which(command[0]) and _succeeds([*command, "version"], environment):
            return Engine(environment, command, started)
    pytest.skip("docker compose is not installed")


def _folder() -> Path:
    """Return where `STARTER` keeps its engine."""
    return Path(os.environ.get("DOCKER_ENGINE_DIR", "/var/lib/docker-engine"))


def _answers(environment: dict[str, str]) -> bool:
    return shutil.which("docker") is not None and _succeeds(["docker", "info"], environment)


def _succeeds(command: Sequence[str], environment: dict[str, str]) -> bool:
    return (
        subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30).returncode == 0
    )


def _files_of(program: str) -> list[Path]:
    """Return a program and its libraries, those of the C library apart: they are in any image."""
    path = shutil.which(program) or f"/usr/sbin/{program}"
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    libraries = [Path(found) for found in re.findall(r"=> (\S+)", linked)]
    return [
        Path(path),
        *(file for file in libraries if file.name not in {"libc.so.6", "libm.so.6", "libresolv.so.2"}),
    ]
