"""The notifier in its container: only where it is asked for, and it may do next to nothing."""

from collections.abc import Iterator

import pytest

from tests.analyzer.notifying import sysloghost
from tests.brokers import KINDS
from tests.compose.server import ComposedServer
from tests.faults.running import until

pytestmark = [
    pytest.mark.root,
    pytest.mark.system,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("server", KINDS[:1], indirect=True),
]
SETTINGS = """
archive = "/var/lib/vedette/archive/archive.db"
queue = "/var/lib/vedette/notify/queue.db"
[route.siem]
by = "syslog"
over = "tcp"
server = "{gateway}:{port}"
"""


@pytest.fixture
def notifier(server: ComposedServer) -> Iterator[ComposedServer]:
    server.compose("--profile", "notify", "up", "-d")
    yield server
    print(server.compose("--profile", "notify", "logs", "--no-color", "notifier"))
    server.compose("--profile", "notify", "rm", "-s", "-f", "notifier")
    (server.folder / "deploy" / "notify.toml").unlink(missing_ok=True)


def said(server: ComposedServer) -> str:
    return server.compose("--profile", "notify", "logs", "--no-color", "notifier")


def gateway(server: ComposedServer) -> str:
    """Return where a container finds this machine."""
    found = server.engine.inspect(f"{server.project}_outside")
    return str(found["IPAM"]["Config"][0]["Gateway"]).partition("/")[0]


def test_without_a_file_it_says_so(notifier: ComposedServer) -> None:
    until(lambda: "notify.toml: can't be read: No such file" in said(notifier), "it says so", 30)


def test_it_reads_the_archive_and_tells(notifier: ComposedServer) -> None:
    with sysloghost.serving(at="0.0.0.0") as host:
        text = SETTINGS.format(gateway=gateway(notifier), port=host.port)
        path = notifier.folder / "deploy" / "notify.toml"
        path.write_text(text)
        path.chmod(0o644)
        until(lambda: "following" in said(notifier), "it follows", 60)
        notifier.edit("phrase,,alert,low,,,,")
        event = host.next()
        while event.kind != "list":
            event = host.next()
        assert "CEF:0|Vedette|" in event.body
        found = notifier.engine.inspect(
            notifier.compose("--profile", "notify", "ps", "-q", "notifier").strip()
        )
        assert found["HostConfig"]["ReadonlyRootfs"]
        assert found["HostConfig"]["CapDrop"] == ["ALL"]
        writes = {mount.get("Name", "") for mount in found["Mounts"] if mount["RW"]}
        assert {name.removeprefix(f"{notifier.project}_") for name in writes} - {""} == {"notify"}
        assert set(found["NetworkSettings"]["Networks"]) == {f"{notifier.project}_outside"}
