"""What can be seen of the services without a systemd that runs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_enforcer.service import ENFORCER
from vedette_schemas import SettingsError
from vedette_sensor.service import SENSOR, SESSION
from vedette_transport import systemd
from vedette_transport.service import Service
from vedette_transport.units import quoted

SERVICES = {"sensor": SENSOR, "enforcer": ENFORCER, "session": SESSION}
OF_THE_SYSTEM = {"sensor": 4.0, "enforcer": 4.0}
"""Each with the highest exposure, from 0 to 10, that `systemd-analyze security` may reckon."""

analyzed = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def call(service: Service, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-m", service.unit.module, "service", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def written(service: Service, folder: Path) -> Path:
    path = folder / service.unit.file
    path.write_text(service.unit.text())
    return path


@analyzed
@pytest.mark.system
@every_service
def test_systemd_finds_nothing_wrong_with_the_unit(service: Service, tmp_path: Path) -> None:
    options = ["--user"] if service.unit.of_users else []
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *options, str(written(service, tmp_path))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")


@analyzed
@pytest.mark.system
@pytest.mark.parametrize("name", OF_THE_SYSTEM)
def test_little_is_exposed(name: str, tmp_path: Path) -> None:
    path = written(SERVICES[name], tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    overall = next(line for line in done.stdout.splitlines() if "Overall exposure level" in line)
    assert float(overall.rpartition(": ")[2].split()[0]) <= OF_THE_SYSTEM[name]


@every_service
def test_a_dry_run_prints_unit_and_settings_says_what_is_missing_and_changes_nothing(
    service: Service,
) -> None:
    done = call(service, "install", "--dry-run")
    assert service.unit.text() in done.stdout
    assert str(service.unit.settings) in done.stdout
    assert not service.unit.path.exists()
    if service is SESSION:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "vedette-sensor join TOKEN" in line


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here")
@every_service
@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
def test_without_systemd_it_says_so_in_one_line(service: Service, command: str) -> None:
    done = call(service, command)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "systemd does not run here" in line or "as root" in line


@every_service
def test_the_first_settings_can_be_used_once_the_host_has_joined(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(service.settings)
    if service is SESSION:
        service.check(path)
    else:
        with pytest.raises(SettingsError, match="vedette-sensor join TOKEN"):
            service.check(path)


def test_a_command_line_is_quoted_for_systemd() -> None:
    assert quoted(["/opt/my venv/python", "a%b", "$x"]) == '"/opt/my venv/python" a%%b $$x'


def test_how_it_stands_is_told_in_plain_words_and_to_machines() -> None:
    running = systemd.Standing(
        "vedette-sensor", True, True, "Sat 2026-11-21 06:00:00 UTC", 7, True, 0, "", "connected"
    )
    assert running.in_words() == (
        "vedette-sensor: running since Sat 2026-11-21 06:00:00 UTC (PID 7)\n  last said: connected"
    )
    ended = systemd.Standing(
        "vedette-sensor", True, False, "", 0, False, 3, "ended with exit code 2", "no such file"
    )
    assert ended.in_words() == (
        "vedette-sensor: not running, ended with exit code 2, started again 3 times, does not start by itself"
        "\n  last said: no such file"
    )
    assert json.loads(ended.as_json())["trouble"] == "ended with exit code 2"
