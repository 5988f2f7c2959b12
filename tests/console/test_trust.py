"""The commands of trust, as they are typed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas.enrolment import JoinToken
from vedette_transport.identity import Identity

from tests import cas

pytestmark = pytest.mark.system


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[cas.RunningCa]:
    with cas.serving(cas.make(tmp_path / "ca")) as running:
        yield running


def run(*command: str, text: str = "", home: Path | None = None) -> tuple[int, str, str]:
    environment = {**os.environ, **({"HOME": str(home)} if home else {})}
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_commands_of_a_day(ca: cas.RunningCa, tmp_path: Path) -> None:
    folder = str(ca.folder)
    code, token, hint = run("vedette", "enrol", "host-8", "--folder", folder, "--for", "30m")
    assert (code, token.count("\n")) == (0, 1)
    assert "vedette-sensor join TOKEN" in hint
    code, said, _ = run("vedette-sensor", "join", "-", "--folder", str(tmp_path / "identity"), text=token)
    assert code == 0
    assert "joined as sensor@host-8 and enforcer@host-8" in said
    code, token, hint = run("vedette", "enrol", "operator@anna", "--folder", folder)
    assert "vedette join TOKEN" in hint
    code, said, _ = run("vedette", "join", "-", text=token, home=tmp_path)
    assert (code, "joined as operator@anna" in said) == (0, True)
    Identity(tmp_path / ".config" / "vedette" / "identity" / "operator")
    code, said, _ = run("vedette", "revoke", "host-8", "--folder", folder)
    assert code == 0
    assert said.startswith(
        "revoked 2 certificates of sensor@host-8 and enforcer@host-8 and 0 unused tokens\n"
    )
    assert "Mosquitto" in said
    code, said, _ = run("vedette", "enrol", "host-9", "--folder", folder, "--json")
    told = json.loads(said)
    assert (code, told["name"], JoinToken.read(told["token"]).name) == (0, "host-9", "host-9")
    assert set(told) == {"token", "name", "ends_at", "ca", "broker"}
    code, said, _ = run("vedette", "ca", "show", "--folder", folder)
    assert code == 0
    *rows, waiting = said.splitlines()[1:]
    assert waiting.startswith("host-9 ")
    assert waiting.endswith(" has not joined yet")
    assert {line.split()[0]: line.split()[2] for line in rows} == {
        "ca@0": "good",
        "enforcer@host-8": "revoked",
        "operator@anna": "good",
        "sensor@host-8": "revoked",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("enrol", "Host_8"), "give a host's name"),
        (("enrol", "0"), "the server itself"),
        (("enrol", "sensor@host-8"), "by its name alone"),
        (("enrol", "host-8", "--for", "never"), "30m, 24h, 7d"),
        (("enrol", "host-8", "--for", "90d"), "at most 30d"),
        (("enrol", "host-8", "--server", "nowhere"), "give HOST:PORT"),
        (("revoke", "host-99"), "no certificate that is still good"),
        (("ca", "init"), "a CA is there already"),
        (("ca", "init", "--name", "server:8884"), "without a port"),
    ],
)
def test_what_can_not_be_done_is_one_line(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    code, said, error = run("vedette", *arguments, "--folder", str(cas.make(tmp_path / "ca")))
    assert (code, said, error.count("\n")) == (2, "", 1)
    assert words in error


def test_a_ca_is_asked_whether_it_is_well(ca: cas.RunningCa) -> None:
    settings = str(ca.folder / "ca.toml")
    assert run("vedette", "ca", "health", "--settings", settings) == (0, "well\n", "")
    shutil.rmtree(ca.folder / "identity")
    (ca.folder / "identity").touch()
    ca.token()  # it looks after all of its files once the register has changed
    ca.await_line("identity: can't be written")
    code, said, _ = run("vedette", "ca", "health", "--settings", settings)
    assert (code, "identity: can't be written" in said) == (1, True)
    ca.kill()
    code, said, _ = run("vedette", "ca", "health", "--settings", settings)
    assert (code, "Connection refused" in said) == (1, True)
