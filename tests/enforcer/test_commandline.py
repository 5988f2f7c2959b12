"""`vedette-enforcer journal` and `release`, with the enforcer dead or running."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from vedette_enforcer import commandline
from vedette_enforcer.acts import all_parts
from vedette_schemas import Isolate

from .acting import Acting, address, host
from .inside import HOSTS, OTHERS, SERVER, World

pytestmark = [pytest.mark.root, pytest.mark.system]
ONE, TWO, _, _ = OTHERS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vedette_enforcer", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def settings(folder: Path) -> str:
    path = folder / "enforcer.toml"
    path.write_text(
        f'host = "host-7"\nca = "ca.pem"\nsocket = "s"\nspool = "{folder}/spool.db"\n'
        f'[broker]\nhost = "{SERVER}"\nport = 8080\nplain = true\n'
    )
    return str(path)


def test_what_is_in_force_is_listed_and_released(world: World) -> None:
    blocks = Acting(world.folder, *all_parts())
    why = "it is on the list"
    name = host("evil.example").model_copy(update={"why": why})
    ids = [blocks.begin(act)[0] for act in (address(ONE), name, Isolate(ttl_seconds=600))]
    file = settings(world.folder)
    listed = run("journal", "--settings", file)
    assert listed.returncode == 0, listed.stderr
    assert [UUID(line.split()[0]) for line in listed.stdout.splitlines()] == ids
    assert f"the block of evil.example: {why}\n" in listed.stdout
    told = [json.loads(line) for line in run("journal", "--settings", file, "--json").stdout.splitlines()]
    assert [each["order"]["action"] for each in told] == ["block", "block", "isolate"]
    assert not world.reaches(TWO)

    one = run("release", "--settings", file, str(ids[2])[:8])
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout == f"released the isolation of this host ({ids[2]})\n"
    assert world.reaches(TWO)
    assert not world.reaches(ONE)

    everything = run("release", "--settings", file, "--all")
    assert everything.returncode == 0, everything.stderr
    assert world.reaches(ONE)
    assert Path("/etc/hosts").read_text() == HOSTS
    assert run("journal", "--settings", file).stdout == "nothing is in force\n"
    assert run("release", "--settings", file, "--all").stdout == "nothing was in force\n"

    blocks.blocks.look()  # an enforcer that ran all the time
    assert world.reaches(ONE)


def test_what_was_lost_with_its_journal_is_released_as_well(world: World) -> None:
    blocks = Acting(world.folder, *all_parts())
    blocks.begin(address(ONE))
    blocks.begin(host("evil.example"))
    blocks.journal.close()
    (world.folder / "journal.db").unlink()
    assert run("release", "--all", "--journal", str(world.folder / "journal.db")).returncode == 0
    assert world.reaches(ONE)
    assert Path("/etc/hosts").read_text() == HOSTS


def test_what_can_not_be_done_is_a_line_and_an_exit_code(world: World) -> None:
    file = settings(world.folder)
    for arguments, code, said in (
        (["journal", "--settings", file], 2, "journal.db: there is no such journal"),
        (["journal", "--settings", "nowhere"], 2, "nowhere: can't be read: No such file or directory"),
        (["release", "--settings", file], 2, "say which to release"),
        (["release", "--settings", file, "--all", "abc"], 2, "say which to release"),
        (["release", "--settings", file, "abc"], 2, "journal.db: there is no such journal"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    Acting(world.folder).begin(address(ONE))
    unknown = run("release", "--settings", file, "abc")
    assert (unknown.returncode, unknown.stderr) == (1, "vedette-enforcer: abc: nothing like it is in force\n")


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1_000)
    assert commandline.run(["release", "--all", "--journal", "/nowhere/journal.db"]) == 2
    assert "release has to be run as root" in capsys.readouterr().err
