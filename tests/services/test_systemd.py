"""The services on a host with a systemd that runs: installed, at work, asked, taken away."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_enforcer.service import ENFORCER
from vedette_sensor.service import SENSOR, SESSION
from vedette_transport.identity import Identity
from vedette_transport.joined import Server as Joined
from vedette_transport.joining import join
from vedette_transport.service import Service

from tests.brokers import Client
from tests.compose import engine as engines
from tests.faults.counting import alerts, archived_count
from tests.faults.running import until
from tests.joinable import JoinableServer
from tests.services.machine import Machine

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(600)]
PROGRAMS = ("sensor", "enforcer")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    engine = engines.find()
    machine = Machine(engine, tmp_path_factory.mktemp("machine"))
    try:
        machine.build()
        machine.start()
        yield machine
    finally:
        machine.stop()
        engine.close()


@pytest.fixture(scope="module")
def server(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JoinableServer]:
    """A server on our side of the machine's network."""
    server = JoinableServer(tmp_path_factory.mktemp("server") / "server", machine.gateway)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def installed(machine: Machine, server: JoinableServer) -> Machine:
    machine.run("vedette-sensor", "join", server.token("host-7"))
    for program in (*PROGRAMS, "session"):
        machine.run(f"vedette-{program}", "service", "install")
    return machine


def confinement(service: Service) -> list[str]:
    """Return what confines a service, as options of systemd-run."""
    lines = service.unit.confinement.splitlines()
    return [word for line in lines for word in ("--property", line)]


def confined(machine: Machine, service: Service, script: str) -> str:
    options = ["--quiet", "--wait", "--pipe", "--collect", *confinement(service)]
    return machine.call("systemd-run", *options, "sh", "-c", script).stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_host_that_has_not_joined_gets_no_service(machine: Machine, program: str) -> None:
    done = machine.call(f"vedette-{program}", "service", "install")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "vedette-sensor join TOKEN" in line
    assert not machine.has(f"/etc/systemd/system/vedette-{program}.service")
    assert not machine.has("/etc/vedette")


def test_only_root_installs(machine: Machine) -> None:
    done = machine.call("vedette-sensor", "service", "install", user="anna")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "as root" in line


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_runs_and_says_so(installed: Machine, program: str) -> None:
    until(
        lambda: "connected to the broker" in installed.run(f"vedette-{program}", "service", "status"),
        "it does",
    )
    words = installed.run(f"vedette-{program}", "service", "status").splitlines()
    assert words[0].startswith(f"vedette-{program}: running since ")
    found = json.loads(installed.run(f"vedette-{program}", "service", "status", "--json"))
    assert found["running"]
    assert found["starts_at_boot"]
    assert found["restarts"] == 0


def test_they_do_their_work_under_all_of_it(installed: Machine, server: JoinableServer) -> None:
    """A user's session hands over; the sensor reports, hashes the program; the enforcer ends it."""
    load = ["python", "-m", "tests.faults.load", "--folder", "/tmp", "--socket", "/run/vedette/sensor.sock"]
    installed.run(*load, "--life", "1", "--rate", "20", "--most", "40", "--prey", "1", user="anna")
    until(lambda: archived_count(server) >= 40, "all is archived", 30)
    until(lambda: bool(alerts(server, "listed-window")), "there is an alert", 30)

    def told() -> str:
        return str(alerts(server, "listed-window")[0].get("done"))

    until(lambda: told().startswith("ended prey-1-1"), "the listed program was ended", 30)
    with contextlib.closing(sqlite3.connect(server.archive)) as archive:
        hashed = archive.execute("SELECT body FROM observations WHERE kind = 'program'").fetchall()
    assert "prey-1-1" in hashed[0][0], "the program of another user was read"


@pytest.mark.parametrize("program", PROGRAMS)
def test_killed_it_is_started_again(installed: Machine, program: str) -> None:
    status = [f"vedette-{program}", "service", "status", "--json"]
    before = json.loads(installed.run(*status))["pid"]
    installed.run("sh", "-c", f"kill -9 {before}")

    def another() -> bool:
        found = json.loads(installed.call(*status).stdout)
        return bool(found["running"]) and found["pid"] != before

    until(another, "another runs", 20)


@pytest.mark.parametrize("service", [SENSOR, ENFORCER], ids=PROGRAMS)
def test_it_may_change_nothing_but_what_is_its_own(installed: Machine, service: Service) -> None:
    script = """
        for path in /usr/x /opt/vedette/x /home/anna/x /boot/x /root/x /proc/sys/kernel/domainname; do
            (echo x >$path) 2>/dev/null && echo wrote $path
        done
        (echo x >/var/lib/vedette/x) && rm /var/lib/vedette/x && echo kept
        mount -t tmpfs none /mnt 2>/dev/null && echo mounted
        unshare --user true 2>/dev/null && echo unshared
        grep NoNewPrivs /proc/self/status
    """
    said = confined(installed, service, script).splitlines()
    assert said == ["kept", "NoNewPrivs:\t1"]


def test_the_sensor_may_neither_kill_nor_change_the_hosts_file(installed: Machine) -> None:
    script = """
        setpriv --reuid anna sleep 60 2>/dev/null && echo became another
        (echo x >>/etc/hosts) 2>/dev/null && echo wrote
        pid=$(pgrep -u anna -n sleep); kill $pid 2>/dev/null && echo killed
        readlink /proc/$pid/exe
    """
    sleeper = "import subprocess; subprocess.Popen(['sleep', '60'], user='anna')"
    installed.run("python", "-c", sleeper)
    said = confined(installed, SENSOR, script).split()
    assert len(said) == 1, said
    assert said[0].endswith("sleep")


def test_the_enforcer_may_do_its_acts(installed: Machine) -> None:
    """The ways of each: a signal to another user's process, the packet filter, hosts file and policies."""
    script = """
import os, signal, subprocess, sys
from pathlib import Path
from vedette_enforcer.replacing import replace
process = int(sys.argv[1])
signal.pidfd_send_signal(os.pidfd_open(process), signal.SIGKILL)
subprocess.run(["nft", "add table inet vedette_try; delete table inet vedette_try"], check=True)
replace(Path("/etc/hosts"), Path("/etc/hosts").read_bytes() + b"# tried\\n")
folder = Path("/etc/chromium/policies/managed")
folder.mkdir(parents=True)
replace(folder / "try.json", b"{}")
print(oct(folder.stat().st_mode & 0o777), "done")
"""
    (installed.folder / "acts.py").write_text(script)
    installed.put(installed.folder / "acts.py", "/root/acts.py")
    start = "import subprocess; print(subprocess.Popen(['sleep', '60'], user='anna').pid)"
    pid = installed.run("python", "-c", start).strip()
    said = confined(installed, ENFORCER, f"/opt/vedette/bin/python -P /root/acts.py {pid} 2>&1")
    assert said == "0o755 done\n"


def test_settings_that_can_not_be_used_are_said_and_not_tried_again(installed: Machine) -> None:
    installed.run(
        "sh", "-c", "cp /etc/vedette/sensor.toml /root; echo nonsense = 1 >>/etc/vedette/sensor.toml"
    )
    done = installed.call("vedette-sensor", "service", "install")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "nonsense" in line
    installed.run("systemctl", "restart", "vedette-sensor")
    time.sleep(4.0)  # longer than a start would be put off
    done = installed.call("vedette-sensor", "service", "status")
    assert done.returncode == 1
    assert "ended with exit code 2" in done.stdout
    assert "nonsense" in done.stdout
    installed.run("cp", "/root/sensor.toml", "/etc/vedette/sensor.toml")
    assert "running since" in installed.run("vedette-sensor", "service", "install")


def test_the_session_is_there_for_each_user(installed: Machine) -> None:
    assert "each user's graphical session" in installed.run("vedette-session", "service", "status")
    assert installed.has("/etc/systemd/user/graphical-session.target.wants/vedette-session.service")


def test_a_session_works_under_what_confines_it(
    installed: Machine, server: JoinableServer, tmp_path: Path
) -> None:
    """As the system's systemd runs it for a user: a user's own needs more than this machine gives."""
    (identity,) = join(server.token("operator@anna"), tmp_path, operator=True).folders
    context = Identity(identity).client_context()
    where = Joined.beside(identity).broker
    listener = Client(where, "vedette/v1/status/sensor@host-7", client_id="operator@anna", tls=context)
    try:
        program = ["/opt/vedette/bin/vedette-session", "--settings", "/etc/vedette/session.toml"]
        unit = ["--unit", "try-session", "--property", "User=anna", "--setenv", "DISPLAY=:99"]
        installed.run("systemd-run", *unit, *confinement(SESSION), *program)
        until(lambda: json.loads(listener.next()[1])["facts"].get("sessions") == "1", "it is with the sensor")
        pid = installed.run("systemctl", "show", "--value", "--property", "MainPID", "try-session").strip()
        status = installed.run("cat", f"/proc/{pid}/status")
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
    finally:
        listener.close()
        installed.call("systemctl", "stop", "try-session")


def test_uninstalled_it_keeps_what_is_the_operators(installed: Machine) -> None:
    said = installed.run("vedette-sensor", "service", "uninstall")
    assert "kept: /etc/vedette/sensor.toml" in said
    assert "/var/lib/vedette/identity/sensor\n" in said
    assert installed.has("/var/lib/vedette/identity/sensor/key.pem")
    assert installed.has("/var/lib/vedette/sensor-spool.db")
    assert not installed.has("/etc/systemd/system/vedette-sensor.service")
    assert installed.has("/run/vedette/enforcer.sock")
    assert installed.call("vedette-sensor", "service", "status").stdout == "vedette-sensor: not installed\n"


def test_purged_nothing_is_left(installed: Machine) -> None:
    """Where the server is, is known for as long as one of them has an identity."""
    installed.run("mkdir", "/var/lib/vedette/identity/sensor/next.part")  # as whoever is killed leaves it
    for program in ("session", "sensor", "enforcer"):
        assert installed.has("/var/lib/vedette/identity/server.toml")
        said = installed.run(f"vedette-{program}", "service", "uninstall", "--purge")
        assert said == f"vedette-{program}: removed\n"
    for path in (Path("/etc/vedette"), Path("/var/lib/vedette"), Path("/run/vedette")):
        assert not installed.has(str(path)), installed.run("ls", "-la", str(path))
    left = installed.run(
        "sh", "-c", "find /etc/systemd -name '*vedette*'; nft list tables; systemctl --failed -q"
    )
    assert left == ""
