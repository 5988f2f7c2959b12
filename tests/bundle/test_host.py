"""A host with Python alone: installed from the archive, replaced, and without trace of it at the end."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bundle.host import INSTALL, UNINSTALL, Entry, Host, now
from tests.faults.running import until

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(300)]
PROGRAMS = ("sensor", "enforcer", "session")
BLOCK = """
import contextlib
from pathlib import Path
from uuid import uuid4
from vedette_enforcer.acts import all_parts
from vedette_enforcer.blocks import Blocks
from vedette_enforcer.clock import system_clock
from vedette_enforcer.journal import Journal
from vedette_enforcer.never_touch_file import NeverTouch
from vedette_enforcer.surroundings import look_around
from vedette_schemas import Block, BlockedHost
from vedette_transport import BrokerAddress
folder = Path("/var/lib/vedette")
folder.mkdir(mode=0o700, exist_ok=True)
blocks = Blocks(
    Journal(folder / "journal.db", system_clock), all_parts(),
    around=lambda: look_around(BrokerAddress(), frozenset(), "host-8"),
    never=NeverTouch, lock=contextlib.nullcontext, clock=system_clock,
)
block = Block(target=BlockedHost(name="evil.example"), ttl_seconds=600)
print(blocks.begin(uuid4(), block, system_clock().time).status)
"""
"""An enforcer that was ordered to, and killed after it."""


@pytest.fixture
def copy(unpacked: Host) -> Iterator[str]:
    """An unpacked archive to spoil."""
    unpacked.run("cp", "-r", "bundle", "copy")
    yield "copy"
    unpacked.run("rm", "-r", "copy")


@pytest.fixture(scope="module")
def installed(unpacked: Host) -> Host:
    said = unpacked.run(*INSTALL).splitlines()
    assert said[0].startswith("vedette: version 0.1.0 is installed in /opt/vedette, with Python 3.11")
    assert "next: vedette-sensor join TOKEN" in said[1]
    return unpacked


def releases(host: Host) -> list[str]:
    return sorted(path.name for path in host.path("/opt").iterdir())


def test_it_has_python_and_nothing_else(host: Host) -> None:
    for module in ("pip", "ensurepip", "setuptools"):
        assert "No module named" in host.call("python3", "-c", f"import {module}").stderr
    assert host.run("python3", "-c", "import socket; print(*socket.if_nameindex())").split() == [
        "(1,",
        "'lo')",
    ]


def test_only_root_installs(unpacked: Host) -> None:
    unpacked.run("cp", "-r", "bundle", "/tmp")
    line = unpacked.refused("python3", "-c", _AS_NOBODY, "/tmp/bundle/install.sh")
    unpacked.run("rm", "-r", "/tmp/bundle")
    assert line == "vedette: has to be run as root"


_AS_NOBODY = "import os, sys; os.setuid(65534); os.execvp('sh', ['sh', *sys.argv[1:]])"


def test_a_damaged_archive_is_refused(unpacked: Host, copy: str) -> None:
    unpacked.run("sh", "-c", f"truncate --size +1 {copy}/wheels/psutil-*")
    assert unpacked.refused("sh", f"{copy}/install.sh") == "vedette: this archive is damaged: fetch it again"


@pytest.mark.parametrize(
    ("need", "instead", "said"),
    [
        ("pythons", "3.13 3.14", "Python 3.11 is here; this archive is for 3.13, 3.14"),
        ("machine", "m68k", "this archive is for m68k"),
        ("glibc", "9.0", "this archive needs 9.0 or newer"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    unpacked: Host, copy: str, need: str, instead: str, said: str
) -> None:
    change = f's/^{need}=.*/{need}="{instead}"/'
    again = "sha256sum $(cut -c 67- SHA256SUMS) >new; mv new SHA256SUMS"
    unpacked.run("sh", "-c", f"cd {copy}; sed -i '{change}' needs; {again}")
    assert said in unpacked.refused("sh", f"{copy}/install.sh")


def test_without_python_it_says_so(unpacked: Host) -> None:
    unpacked.run("mkdir", "/srv/bin")
    unpacked.run("sh", "-c", "cd /usr/bin && find -name 'python3*' -exec mv -t /srv/bin {} +")
    try:
        line = unpacked.refused(*INSTALL)
    finally:
        unpacked.run("sh", "-c", "mv /srv/bin/* /usr/bin && rmdir /srv/bin")
    assert "Python 3.11 or newer is needed, and none is here (Debian: apt install python3)" in line


def test_what_others_made_is_left_alone(unpacked: Host) -> None:
    unpacked.run("mkdir", "/opt/vedette")
    assert "not made by this script" in unpacked.refused(*INSTALL)
    unpacked.run("rmdir", "/opt/vedette")
    assert releases(unpacked) == []


def test_refused_it_has_left_nothing(unpacked: Host, before: Mapping[str, Entry]) -> None:
    assert now(unpacked) == before


@pytest.mark.parametrize("program", PROGRAMS)
def test_its_programs_run_for_any_user(installed: Host, program: str) -> None:
    script = (
        f"import os; os.setuid(65534); os.execvp('vedette-{program}', ['vedette-{program}', '--version'])"
    )
    assert installed.run("python3", "-c", script).startswith(f"vedette-{program} 0.1.0")


def test_a_unit_names_the_interpreter_that_stays(installed: Host) -> None:
    said = installed.call("vedette-sensor", "service", "install", "--dry-run").stdout
    assert "\nExecStart=/opt/vedette/bin/python -P -m vedette_sensor --settings " in said


def test_nobody_but_root_may_change_it(installed: Host) -> None:
    open_to_others = ("(", "-perm", "/022", "-o", "!", "-user", "root", ")")
    assert installed.run("find", "/opt/", "!", "-type", "l", *open_to_others) == ""


def test_killed_it_leaves_the_old_one_and_again_it_is_replaced(installed: Host) -> None:
    old = releases(installed)
    with subprocess.Popen(installed.command(*INSTALL), start_new_session=True) as installing:
        until(lambda: any(installed.path("/opt").glob("vedette-*/tmp/pip-*")), "it is at it")
        os.killpg(installing.pid, signal.SIGKILL)
    assert set(old) < set(releases(installed))
    assert installed.run("vedette-sensor", "--version") == "vedette-sensor 0.1.0\n"
    installed.run(*INSTALL)
    (first,), (second,) = (set(found) - {"vedette"} for found in (old, releases(installed)))
    assert first != second


def test_two_at_once_do_not_meet(installed: Host) -> None:
    holding = "import fcntl, os; fcntl.flock(os.open('/opt', 0), fcntl.LOCK_EX); print(flush=True); input()"
    command = installed.command("python3", "-c", holding)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert installed.refused(*INSTALL) == "vedette: another installation is going on"
        other.communicate(b"\n")


def test_what_can_not_be_released_keeps_it_there(installed: Host) -> None:
    """The hosts file, mounted to be read only, can't be changed."""
    hosts = installed.path("/etc/hosts")
    installed.run("touch", "/etc/hosts")
    assert installed.run("/opt/vedette/bin/python", "-P", "-c", BLOCK) == "done\n"
    assert "evil.example" in hosts.read_text()
    installed.run("mount", "--bind", "/etc/hosts", "/etc/hosts")
    installed.run("mount", "-o", "remount,ro,bind", "/etc/hosts")
    try:
        done = installed.call(*UNINSTALL)
    finally:
        installed.run("umount", "/etc/hosts")
    assert done.returncode == 2
    assert "nothing was removed" in done.stderr.splitlines()[-1]
    assert installed.run("vedette-sensor", "--version") == "vedette-sensor 0.1.0\n"
    assert installed.path("/var/lib/vedette/journal.db").exists()


def test_what_runs_is_ended_and_what_is_to_be_kept_is_kept(installed: Host) -> None:
    installed.run("mkdir", "/etc/vedette")
    program = installed.command("/opt/vedette/bin/python", "-P", "-c", "import signal; signal.pause()")
    with subprocess.Popen(program) as running:
        until(lambda: b"signal.pause" in _words_of(running.pid), "it runs")
        said = installed.run(*UNINSTALL, "--keep").splitlines()
        assert said[-1] == "vedette: removed; kept: /etc/vedette, /var/lib/vedette"
        assert running.wait(20) != 0
    assert releases(installed) == []
    assert "evil.example" not in installed.path("/etc/hosts").read_text()


def _words_of(pid: int) -> bytes:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return b"".join(Path(f"/proc/{each}/cmdline").read_bytes() for each in (pid, *children))


def test_uninstalled_nothing_is_left(installed: Host, before: Mapping[str, Entry]) -> None:
    assert "run install.sh first" in installed.refused("sh", "bundle/uninstall.sh"), "there is a journal"
    installed.run(*INSTALL)
    installed.run(*UNINSTALL)
    installed.run("rm", "/etc/hosts")  # which the tests had made
    assert now(installed) == before
