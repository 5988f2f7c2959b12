"""`vedette notify`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analyzer.notifying.mailserver import MailServer, serving, text_of
from tests.analyzer.notifying.test_mail import settings

pytestmark = pytest.mark.system


def vedette(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vedette_console", "notify", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_without_a_file_it_says_what_is_to_be_done(tmp_path: Path) -> None:
    done = vedette("check", "--folder", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    expected = f"vedette: {tmp_path / 'notify.toml'}: is not there; docs/NOTIFYING.md tells what to write\n"
    assert done.stderr == expected


def test_it_says_what_a_route_does_and_sends_a_test(tmp_path: Path) -> None:
    with serving(MailServer()) as server:
        (tmp_path / "notify.toml").write_text(settings(server))
        done = vedette("check", "--folder", str(tmp_path))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("officer\n  tells     by email to officer@school.example, through ")
        assert "officer@school.example: nothing" in done.stdout
        done = vedette("check", "--folder", str(tmp_path), "--json")
        assert json.loads(done.stdout)["officer"]["to"] == ["officer@school.example"]
        done = vedette("test", "officer", "--settings", str(tmp_path / "notify.toml"))
        assert (done.returncode, done.stderr) == (0, "")
        assert "this is a test of the route officer" in text_of(server.next())


def test_what_does_not_arrive_is_said(tmp_path: Path) -> None:
    (tmp_path / "notify.toml").write_text(settings(MailServer()))
    done = vedette("test", "officer", "--folder", str(tmp_path))
    assert done.returncode == 1
    assert "not sent: " in done.stdout
