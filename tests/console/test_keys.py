"""The keys of a server in containers."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_console.keys import make_keys
from vedette_schemas import Principal, Program
from vedette_transport.signing import Signer, Verifier

from tests import messages


def test_what_the_analyzer_signs_with_them_is_trusted(tmp_path: Path) -> None:
    make_keys(tmp_path / "ca", tmp_path / "keys")
    signer = Signer(tmp_path / "keys" / "key.pem", tmp_path / "keys" / "certificate.pem")
    now = datetime.now(UTC)
    command = messages.command(issued_at=now, expires_at=now + timedelta(seconds=60))
    verifier = Verifier(tmp_path / "keys" / "ca.pem", Principal(Program.ENFORCER, "host-7"))
    assert verifier.verify(signer.sign(command), now) == command
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o077 == 0
    assert not (tmp_path / "keys" / "ca.key").exists()


def test_made_again_they_stay_the_same(tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    make_keys(tmp_path / "ca", tmp_path / "keys")
    first = content()
    make_keys(tmp_path / "ca", tmp_path / "keys")
    assert content() == first


def test_a_new_ca_certifies_the_analyzer_anew(tmp_path: Path) -> None:
    make_keys(tmp_path / "ca", tmp_path / "keys")
    before = (tmp_path / "keys" / "certificate.pem").read_bytes()
    make_keys(tmp_path / "another", tmp_path / "keys")
    assert (tmp_path / "keys" / "certificate.pem").read_bytes() != before
    assert (tmp_path / "keys" / "ca.pem").read_bytes() == (tmp_path / "another" / "ca.pem").read_bytes()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes are not kept here")
def test_a_folder_that_others_may_read_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir(mode=0o755)
    command = [sys.executable, "-m", "vedette_console.keys"]
    done = subprocess.run(
        [*command, "--ca", str(tmp_path / "ca"), "--analyzer", str(tmp_path / "keys")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("vedette-keys: ")
