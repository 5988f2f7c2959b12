"""One archive for all tests here, and one host."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bundle import host as hosts
from tests.bundle.host import Entry, Host
from tests.compose.engine import ROOT


def make_bundle(folder: Path) -> Path:
    done = subprocess.run(
        [ROOT / "deploy" / "bundle" / "make.sh", folder],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.tar.gz")
    assert done.stdout.startswith(f"{archive}: ")
    return archive


@pytest.fixture(scope="package")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="package")
def host(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with the archive in /root."""
    if os.geteuid() != 0:
        pytest.skip("needs root, for a host of its own")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    root = tmp_path_factory.mktemp("host") / "root"
    try:
        hosts.install_debian(root)
        shutil.copy(archive, root / "root" / "bundle.tar.gz")
        with hosts.running(root) as running:
            yield running
    finally:
        shutil.rmtree(root, ignore_errors=True)  # it is large


@pytest.fixture(scope="module")
def before(host: Host) -> Mapping[str, Entry]:
    return host.contents()


@pytest.fixture(scope="module")
def unpacked(host: Host, before: Mapping[str, Entry]) -> Iterator[Host]:
    """The host, with the archive unpacked."""
    host.run("sh", "-c", "mkdir bundle && tar --extract --file bundle.tar.gz --strip-components 1 -C bundle")
    yield host
    host.run("rm", "-r", "bundle")
