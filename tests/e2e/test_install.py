"""What the README says that a host needs is all that it gets, and it runs."""

import json
import subprocess
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
HOST = ("schemas", "indicators", "transport", "sensor", "enforcer")


def test_a_host_gets_its_programs_and_nothing_of_the_servers(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "--quiet", *(str(ROOT / folder) for folder in HOST)],
        check=True,
        timeout=240,
        cwd=tmp_path,
    )
    found = subprocess.run([*pip, "list", "--format=json"], check=True, capture_output=True, text=True)
    installed = {package["name"].lower() for package in json.loads(found.stdout)}
    assert {"vedette-sensor", "vedette-enforcer"} <= installed
    assert not installed & {
        "amqtt",
        "vedette-analyzer",
        "vedette-broker",
        "vedette-console",
        "fastapi",
        "typer",
        "rich",
    }
    for program in ("vedette-sensor", "vedette-session", "vedette-enforcer"):
        done = subprocess.run(
            [str(programs / program), "--version"], check=True, capture_output=True, text=True
        )
        assert done.stdout.startswith(program)
