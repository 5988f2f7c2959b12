"""A host with Python alone, from one command to an alert: installed, joined, at work, and gone."""

import subprocess
from collections.abc import Iterator, Mapping

import pytest

from tests.bundle.host import INSTALL, UNINSTALL, Entry, Host, now
from tests.faults.counting import alerts
from tests.faults.running import Program, until
from tests.joinable import JoinableServer

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(300)]
NAME = "host-8"
PROGRAMS = ("sensor", "enforcer")


@pytest.fixture(scope="module")
def server(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JoinableServer]:
    """A server on the host's loopback: it has no other network."""
    folder = tmp_path_factory.mktemp("server") / "server"
    server = JoinableServer(folder, "127.0.0.1", prefix=host.network)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        print(*(f"--- {log.name}\n{log.read_text()}" for log in folder.glob("*.log")), sep="\n")


@pytest.fixture(scope="module")
def joined(unpacked: Host, server: JoinableServer) -> Host:
    said = unpacked.run("sh", "-c", f"echo {server.token(NAME)} | {' '.join(INSTALL)} -")
    assert f"\njoined as sensor@{NAME} and enforcer@{NAME}, until " in said
    for program in PROGRAMS:
        start = f"/opt/vedette/bin/python -P -m vedette_{program} --settings /etc/vedette/{program}.toml\n"
        assert f"vedette-{program}: to be started as root by: {start}" in said
    return unpacked


@pytest.fixture(scope="module")
def at_work(joined: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """What starts services where systemd does not: the programs, with the settings that were written."""
    folder = tmp_path_factory.mktemp("programs")
    programs = [
        Program(
            program,
            joined.command(f"vedette-{program}", "--settings", f"/etc/vedette/{program}.toml"),
            folder,
            once=True,
        )
        for program in PROGRAMS
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


def test_keys_are_for_root_alone(joined: Host) -> None:
    keys = joined.run("find", "/var/lib/vedette/identity", "-name", "key.pem", "-printf", "%m %u\n")
    assert keys == "600 root\n" * 2


def test_a_token_that_was_used_is_refused_in_words(joined: Host, server: JoinableServer) -> None:
    token = server.token(NAME)
    joined.run("vedette-sensor", "join", token)
    joined.run("rm", "-r", "/var/lib/vedette/identity")
    done = joined.call(*INSTALL, token)
    assert done.returncode == 2
    why, what = done.stderr.splitlines()
    assert why.startswith("vedette-sensor: the token was used before")
    assert what.startswith("vedette: not joined")
    joined.run("vedette-sensor", "join", server.token(NAME))


def test_a_session_is_seen_to_and_an_alert_tells(at_work: Host, server: JoinableServer) -> None:
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
