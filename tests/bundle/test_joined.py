"""A host with Python alone, from one command to an alert: installed, joined, at work, and gone."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.bundle.host import INSTALL, UNINSTALL, Entry, Host, now
from tests.faults.counting import alerts
from tests.faults.running import Program, until
from tests.faults.site import Server, python

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(300)]
NAME = "host-8"
FOLDERS = ("/etc/vedette", "/run/vedette", "/var/lib/vedette")


@pytest.fixture(scope="module")
def server(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the host's loopback: it has no other network."""
    folder = tmp_path_factory.mktemp("server") / "server"
    server = Server(folder, "embedded", prefix=host.network, broker_address=("127.0.0.1", 1883))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        print(*(f"--- {log.name}\n{log.read_text()}" for log in folder.glob("*.log")), sep="\n")


@pytest.fixture(scope="module")
def ca(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a CA that serves there."""
    folder = tmp_path_factory.mktemp("ca")
    vedette(host, "ca", "init", "--folder", str(folder / "ca"), "--name", "127.0.0.1")
    serve = python("vedette_console", "ca", "serve", "--settings", str(folder / "ca" / "ca.toml"))
    serving = Program("ca", serve, folder, prefix=host.network)
    try:
        serving.start()
        serving.await_said("the CA answers")
        yield folder / "ca"
    finally:
        serving.stop()


def vedette(host: Host, *arguments: str) -> str:
    """Call `vedette` as an operator does on the server."""
    command = [*host.network, *python("vedette_console", *arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def joined(unpacked: Host, ca: Path, server: Server) -> Host:
    broker = f"127.0.0.1:{server.port}"
    token = vedette(unpacked, "enrol", NAME, "--folder", str(ca), "--broker", broker).strip()
    said = unpacked.run("sh", "-c", f"echo {token} | {' '.join(INSTALL)} -")
    assert f"\njoined as sensor@{NAME} and enforcer@{NAME}, until " in said
    return unpacked


@pytest.fixture(scope="module")
def at_work(joined: Host, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """What starts services where systemd does not: its settings, its folders, its programs."""
    folder = tmp_path_factory.mktemp("programs")
    joined.run("mkdir", "-p", *FOLDERS)
    joined.path("/etc/vedette/ca.pem").write_bytes(server.ca.read_bytes())
    programs = [
        Program(program, joined.command(f"vedette-{program}", "--settings", settings), folder, once=True)
        for program, settings in settings_of(joined, server).items()
    ]
    try:
        for program in programs:
            program.start()
            program.await_said("connected to the broker")
        yield joined
    finally:
        for program in programs:
            program.stop()
            print(f"--- {program.name}", program.said(), sep="\n")


def settings_of(host: Host, server: Server) -> Mapping[str, str]:
    """Write the settings that a service gets, and say where."""
    found: dict[str, str] = {}
    for program in ("sensor", "enforcer"):
        where = ("--host", NAME, "--broker", f"127.0.0.1:{server.port}")
        told = host.run(f"vedette-{program}", "service", "install", "--dry-run", *where)
        path = f"/etc/vedette/{program}.toml"
        host.path(path).write_text(told.partition(f"# {path}\n")[2].partition("\n# ")[0])
        found[program] = path
    return found


def test_keys_are_for_root_alone(joined: Host) -> None:
    keys = joined.run("find", "/var/lib/vedette/identity", "-name", "key.pem", "-printf", "%m %u\n")
    assert keys == "600 root\n" * 2


def test_a_token_that_was_used_is_refused_in_words(joined: Host, ca: Path) -> None:
    token = vedette(joined, "enrol", NAME, "--folder", str(ca)).strip()
    joined.run("vedette-sensor", "join", token)
    joined.run("rm", "-r", "/var/lib/vedette/identity")
    done = joined.call(*INSTALL, token)
    assert done.returncode == 2
    why, what = done.stderr.splitlines()
    assert why.startswith("vedette-sensor: the token was used before")
    assert what.startswith("vedette: not joined")
    joined.run("vedette-sensor", "join", vedette(joined, "enrol", NAME, "--folder", str(ca)).strip())


def test_a_session_is_seen_to_and_an_alert_tells(at_work: Host, server: Server) -> None:
    load = ["-m", "tests.faults.load", "--folder", "/mnt", "--socket", "/run/vedette/sensor.sock"]
    many = ["--life", "1", "--rate", "20", "--most", "40", "--prey", "1"]
    session = at_work.command("/opt/vedette/bin/python", *load, *many, folder="/mnt")
    subprocess.run(session, check=True, timeout=60, stdin=subprocess.DEVNULL)

    def told() -> bool:
        found = alerts(server, "listed-window")
        return bool(found) and str(found[0].get("done")).startswith("ended prey-1-1")

    until(told, "an alert tells that the listed program was ended", 30)


def test_uninstalled_nothing_is_left(at_work: Host, before: Mapping[str, Entry]) -> None:
    at_work.run(*UNINSTALL)
    assert now(at_work) == before
