"""The archive on a host with a systemd that runs: its services are started again, and end with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bundle.host import INSTALL, UNINSTALL
from tests.bundle.test_host import BLOCK, PROGRAMS
from tests.compose import engine as engines
from tests.faults.running import until
from tests.joinable import JoinableServer
from tests.services.machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def machine(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine that has nothing of Vedette's but the archive, unpacked."""
    engine = engines.find()
    machine = Machine(engine, tmp_path_factory.mktemp("machine"))
    try:
        machine.build()
        machine.start()
        machine.run("rm", "-r", "/opt/vedette")
        machine.put(archive, "/src/bundle.tar.gz")
        machine.run("sh", "-c", "mkdir bundle && tar -xf bundle.tar.gz --strip-components 1 -C bundle")
        yield machine
    finally:
        machine.stop()
        engine.close()


@pytest.fixture(scope="module")
def server(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JoinableServer]:
    server = JoinableServer(tmp_path_factory.mktemp("server") / "server", machine.gateway)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def served(machine: Machine, server: JoinableServer) -> Machine:
    """The machine after the one command; something was blocked there since."""
    said = machine.run(*INSTALL, server.token("host-8")).splitlines()
    starts = [line for line in said if ": running since " in line]
    assert [line.partition(":")[0] for line in starts] == ["vedette-sensor", "vedette-enforcer"]
    assert any(line.startswith("vedette-session: starts with each user") for line in said)
    machine.run("systemctl", "stop", "vedette-enforcer")
    assert machine.run("/opt/vedette/bin/python", "-P", "-c", BLOCK) == "done\n"
    machine.run("systemctl", "start", "vedette-enforcer")
    return machine


def pid_of(machine: Machine, program: str) -> int:
    found = json.loads(machine.run(f"vedette-{program}", "service", "status", "--json"))
    assert found["running"]
    return int(found["pid"])


@pytest.mark.parametrize("program", ["sensor", "enforcer"])
def test_one_command_and_it_is_with_the_server(served: Machine, program: str) -> None:
    words = f"as {program}@host-8"
    until(lambda: words in served.run("journalctl", "--unit", f"vedette-{program}"), "it says so")


def test_replaced_its_services_run_anew(served: Machine) -> None:
    before = {program: pid_of(served, program) for program in ("sensor", "enforcer")}
    served.run(*INSTALL)
    for program, pid in before.items():
        now = pid_of(served, program)
        assert now != pid
        words = served.run("cat", f"/proc/{now}/cmdline").split("\0")
        assert words[:4] == ["/opt/vedette/bin/python", "-P", "-m", f"vedette_{program}"]


def test_uninstalled_services_and_blocks_are_gone(served: Machine) -> None:
    assert "evil.example" in served.run("cat", "/etc/hosts")
    assert served.run(*UNINSTALL).splitlines()[-1] == "vedette: removed"
    assert "evil.example" not in served.run("cat", "/etc/hosts")
    for program in PROGRAMS:
        assert not served.has(f"/usr/local/bin/vedette-{program}")
    left = served.run("find", "/etc", "/opt", "/run", "/usr/local", "/var/lib", "-name", "*vedette*")
    assert left == ""
    assert "/opt/vedette" not in served.run("ps", "ax")
    assert (
        served.run("sh", "-c", "systemctl list-units --all | grep vedette; systemctl --failed --quiet") == ""
    )
