"""The archive that `make bundle` writes."""

import hashlib
import platform
import re
import shutil
import subprocess
import tarfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.bundle.conftest import make_bundle
from tests.compose.engine import ROOT

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
OURS = {"vedette_schemas", "vedette_indicators", "vedette_transport", "vedette_sensor", "vedette_enforcer"}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (only,) = folder.iterdir()
    return only


def test_made_again_it_has_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again = make_bundle(tmp_path)
    assert again.name == archive.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(archive.read_bytes()).digest()


def test_it_is_named_for_version_and_platform(unpacked: Path) -> None:
    assert unpacked.name == f"vedette-host-{metadata.version('vedette-sensor')}-linux-{platform.machine()}"


def test_it_tells_nothing_of_who_made_it(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert {(member.uid, member.gid, member.uname, member.gname) for member in members} == {(0, 0, "", "")}
    assert len({member.mtime for member in members}) == 1
    assert {member.mode for member in members if member.isdir()} == {0o755}


def test_it_is_small(archive: Path) -> None:
    assert archive.stat().st_size < 25_000_000


def test_it_holds_what_a_host_needs_and_nothing_of_a_server(unpacked: Path) -> None:
    names = {wheel.name.partition("-")[0] for wheel in (unpacked / "wheels").iterdir()}
    assert {name for name in names if name.startswith("vedette")} == OURS
    assert "cryptography" in names
    assert not names & {"amqtt", "sqlalchemy", "starlette", "uvicorn", "typer", "pillow", "uv_build"}


def test_every_foreign_wheel_has_a_locked_hash(unpacked: Path) -> None:
    locked = set(re.findall(r"sha256:([0-9a-f]{64})", (ROOT / "requirements.lock").read_text()))
    wheels = [*(unpacked / "wheels").iterdir(), *unpacked.glob("pip-*.whl")]
    foreign = [wheel for wheel in wheels if wheel.name.partition("-")[0] not in OURS]
    assert {hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in foreign} <= locked


def test_every_file_has_its_sum(unpacked: Path) -> None:
    lines = [line.split("  ", 1) for line in (unpacked / "SHA256SUMS").read_text().splitlines()]
    files = {path for path in unpacked.rglob("*") if path.is_file()}
    assert {unpacked / name for _, name in lines} == files - {unpacked / "SHA256SUMS"}
    assert all(hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == told for told, name in lines)


@pytest.mark.parametrize("version", PYTHONS)
def test_it_installs_on_each_python(unpacked: Path, version: str, tmp_path: Path) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"Python {version} is not installed")
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path], check=True)
    inside, pip = tmp_path / "bin" / "python", next(unpacked.glob("pip-*.whl")) / "pip"
    wheels = ["--no-index", "--find-links", str(unpacked / "wheels")]
    programs = ["vedette-sensor", "vedette-enforcer"]
    subprocess.run([inside, "-I", pip, "--isolated", "--quiet", "install", *wheels, *programs], check=True)
    for program in (*programs, "vedette-session"):
        subprocess.run([tmp_path / "bin" / program, "--version"], check=True, cwd=tmp_path)


def test_it_says_for_which_pythons_it_is(unpacked: Path) -> None:
    assert f'pythons="{" ".join(PYTHONS)}"\n' in (unpacked / "needs").read_text()
