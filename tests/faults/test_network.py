"""A network that parts, in both directions and in one, and one that is slow and breaks."""

import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import brokers
from tests.brokers import KINDS
from tests.faults.counting import account, settle
from tests.faults.network import Line, join, namespace, open_loopback
from tests.faults.running import Program
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system]
PARTED = 60.0
WAYS = {"both-ways": (True, True), "upwards": (True, False), "downwards": (False, True)}


@pytest.mark.timeout(300)
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
        for host in hosts:
            assert "lost the broker" in host.sensor.said(), f"{host.name} was never cut off"
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


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_line_that_breaks_every_few_seconds(
    kind: str, tmp_path: Path, moments: random.Random, table: Table
) -> None:
    server = Server(tmp_path / "site", kind)
    port = brokers.free_port()
    numbers = [str(number) for number in (port, server.port, 0.2, 3.0, moments.randrange(2**32))]
    script = str(Path(__file__).with_name("proxy.py"))
    proxy = Program("proxy", [sys.executable, script, *numbers], server.folder)
    host = Host(server, broker_address=("127.0.0.1", port))
    proxy.start()
    try:
        with Site(server, host) as site:
            host.begin(rate=200, prey=2.0)
            time.sleep(30.0)
            host.end()
            seconds = settle(site)
            told = account(site)
            table.add("200 ms away, cut every 3 s", kind, told, seconds)
            told.assert_nothing_lost()
            assert host.living_prey() == []
    finally:
        proxy.stop()
