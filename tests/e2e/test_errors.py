"""What a person can get wrong ends a program with 2 and one line that says what, where and what to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_schemas import ANALYZER

from tests import brokers
from tests.authority import make_ca
from tests.e2e.product import write_list

pytestmark = pytest.mark.system

PROGRAMS = [
    "vedette_broker",
    "vedette_analyzer",
    "vedette_sensor",
    "vedette_enforcer",
    "vedette_sensor.session",
]


def fails(module: str, settings: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--settings", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("module", PROGRAMS)
def test_settings_that_are_missing_are_named(tmp_path: Path, module: str) -> None:
    assert str(tmp_path / "none.toml") in fails(module, tmp_path / "none.toml")


@pytest.mark.parametrize("module", PROGRAMS)
@pytest.mark.parametrize(
    ("text", "says"), [("a = [", "not TOML"), ("nonsense = 1", "nonsense"), ("\xff", "")]
)
def test_settings_that_can_not_be_used_are_named(tmp_path: Path, module: str, text: str, says: str) -> None:
    path = tmp_path / "some.toml"
    path.write_text(text, "latin-1")
    line = fails(module, path)
    assert str(path) in line
    assert says in line


@pytest.mark.parametrize("missing", ["list.csv", "key.pem", "ca.pem"])
def test_an_analyzer_without_its_list_or_key_says_which(tmp_path: Path, missing: str) -> None:
    make_ca(tmp_path / "ca").identity(tmp_path / "keys", str(ANALYZER))
    write_list(tmp_path / "keys" / "list.csv", "phrase,some phrase,,,,,,")
    settings = tmp_path / "keys" / "analyzer.toml"
    settings.write_text('lists = ["list.csv"]\nidentity = "."\narchive = "archive.db"')
    (tmp_path / "keys" / missing).unlink()
    assert str(tmp_path / "keys" / missing) in fails("vedette_analyzer", settings)


@pytest.mark.root
def test_a_full_disk_is_said_in_a_line(tmp_path: Path) -> None:
    """In a mount namespace of its own, on a disk of 64 KiB that is filled first."""
    disk = tmp_path / "disk"
    disk.mkdir()
    path = write_list(tmp_path / "list.csv", "phrase,some phrase,,,,,,")
    port = brokers.free_port()
    up = f"{sys.executable} -m vedette_console up --folder {disk}/run --list {path} --port {port}"
    script = f"mount -t tmpfs -o size=64k none {disk} && (cat /dev/zero > {disk}/full 2>/dev/null; {up})"
    done = subprocess.run(
        [shutil.which("unshare") or "unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2, done
    (line,) = done.stderr.strip().splitlines()
    assert "No space left" in line or "disk is full" in line
