"""What takes a minute and more, at the same time: networks that part, and hosts that fall silent."""

import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, alerts, archived_count, await_archived, settle
from tests.faults.network import Line, join, namespace, open_loopback
from tests.faults.running import until
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(300)]
PARTED = 60.0
WAYS = {"both-ways": (True, True), "upwards": (True, False), "downwards": (False, True)}
TOLD_WITHIN = timedelta(seconds=100)


@dataclass(frozen=True)
class Quiet:
    """A server of whose hosts one is frozen since then, and others met other ends."""

    server: Server
    since: datetime


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quiet]:
    server = Server(tmp_path_factory.mktemp("quiet") / "site", "mosquitto")
    frozen, leaving, crippled, robbed = (
        Host(server, name) for name in ("frozen", "leaving", "crippled", "robbed")
    )
    with Site(server, frozen, leaving, crippled, robbed) as site:
        for host in site.hosts:
            host.sensor.await_said("connected to the broker")
            host.enforcer.await_said("connected to the broker")
            host.begin(most=100)
            host.await_all_made()
        await_archived(server, 400)
        _rob(server, robbed)
        for host in site.hosts:
            host.enforcer.await_said("connected to the broker", 2)
            host.sensor.await_said("connected to the broker", 2)
        server.analyzer.await_said("connected to the broker", 2)  # a farewell is for who is there to hear it
        leaving.sensor.stop()
        leaving.enforcer.stop()
        crippled.enforcer.stop()
        for program in (frozen.sensor, frozen.enforcer):
            program.send(signal.SIGSTOP)
        yield Quiet(server, datetime.now(UTC))


@pytest.mark.usefixtures("quiet")
def test_partitions_of_a_minute_in_both_directions_and_in_one(tmp_path: Path, table: Table) -> None:
    """On each broker three hosts are cut off at once, each in another way."""
    with ExitStack() as stack:
        lines: dict[Line, tuple[bool, bool]] = {}
        sites = [_with_three_hosts(tmp_path / kind, kind, lines, stack) for kind in KINDS]
        hosts = [host for site in sites for host in site.hosts]
        for host in hosts:
            host.sensor.await_said("connected to the broker")
            host.enforcer.await_said("connected to the broker")
            host.begin(rate=100, prey=5.0)
        for line, (up, down) in lines.items():
            line.cut(up=up, down=down)
        time.sleep(PARTED)
        for site in sites:
            taken = sum(host.now.taken for host in site.hosts)
            assert archived_count(site.server) < taken / 2, "nothing was cut"
        for line in lines:
            line.mend()
        mended = time.monotonic()
        for host in hosts:
            host.end()
        for site in sites:
            seconds = settle(site, within=120, since=mended)
            told = account(site)
            table.add("three hosts cut off for 60 s", site.server.kind, told, seconds)
            told.assert_nothing_lost(expired=told.commands)


def _with_three_hosts(
    folder: Path, kind: str, lines: dict[Line, tuple[bool, bool]], stack: ExitStack
) -> Site:
    there = stack.enter_context(namespace())
    server = Server(folder, kind, prefix=there.prefix)
    open_loopback(there, server.port)
    hosts: list[Host] = []
    for number, (way, directions) in enumerate(WAYS.items()):
        here = stack.enter_context(namespace())
        lines[join(there, here, number)] = directions
        hosts.append(Host(server, way, prefix=here.prefix, broker_address=(here.address, server.port)))
    return stack.enter_context(Site(server, *hosts))


def test_silence_a_stopped_program_and_a_gap_are_told_and_an_orderly_end_is_not(quiet: Quiet) -> None:
    server = quiet.server
    until(lambda: bool(alerts(server, "silent-host")), "silence is told", within=110)
    assert [alert["host"] for alert in alerts(server, "silent-host")] == ["frozen"]
    (silence,) = alerts(server, "silent-host")
    assert datetime.fromisoformat(silence["at"]) - quiet.since < TOLD_WITHIN
    (stopped,) = alerts(server, "stopped-program")
    assert stopped["summary"].startswith("enforcer@crippled was stopped")
    (gap,) = alerts(server, "missing")
    assert gap["host"] == "robbed"
    assert "10 window observations" in gap["summary"]


def _rob(server: Server, host: Host) -> None:
    """Take ten observations out of a spool before the server has them."""
    server.broker.stop()
    host.begin(most=100)
    host.await_all_made()
    host.sensor.stop()
    with closing(sqlite3.connect(host.spool)) as spool, spool:
        stream = "SELECT id FROM stream WHERE kind = 'window' ORDER BY id DESC LIMIT 1"
        oldest = f"SELECT place FROM item WHERE place >> 40 = ({stream}) ORDER BY place LIMIT 10"
        assert spool.execute(f"DELETE FROM item WHERE place IN ({oldest})").rowcount == 10
    server.broker.start()
    host.sensor.start()
