"""Killed with -9, twenty times at random moments, under 2,000 observations a second: nothing is lost."""

import random
import time
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, settle
from tests.faults.running import Program
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(240)]
KILLS = 20
_CONNECTED = "connected to the broker"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("victim", ["analyzer", "broker", "sensor", "enforcer"])
def test_a_program_killed_twenty_times(
    victim: str, kind: str, tmp_path: Path, moments: random.Random, table: Table
) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    programs = {"analyzer": server.analyzer, "broker": server.broker}
    programs |= {"sensor": host.sensor, "enforcer": host.enforcer}
    longest = 2.0 if victim == "sensor" else 1.5  # what piles up while it is away has to be handed over
    speaks: Program = host.sensor if victim == "broker" else programs[victim]
    with Site(server, host) as site:
        host.begin(prey=1.5)
        said = 0
        for _ in range(KILLS):
            if moments.random() < 0.8:  # else perhaps while it begins
                speaks.await_said(_CONNECTED, said + 1)
            time.sleep(moments.uniform(0.0, longest))
            programs[victim].kill()
            said = speaks.said().count(_CONNECTED)
        host.end()
        seconds = settle(site)
        told = account(site)
        table.add(f"{victim} killed {KILLS} times", kind, told, seconds)
        assert host.now.dropped == 0
        told.assert_nothing_lost()
        assert host.living_prey() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_killed_twenty_times(
    kind: str, tmp_path: Path, moments: random.Random, table: Table
) -> None:
    """What the sensor had not taken dies with the session; what it had is archived once, all the same."""
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    with Site(server, host) as site:
        for _ in range(KILLS):
            host.begin(prey=1.0)
            time.sleep(moments.uniform(0.0, 1.5))
            host.kill()
        host.begin()
        host.end()
        seconds = settle(site)
        told = account(site)
        table.add(f"session killed {KILLS} times", kind, told, seconds)
        told.assert_nothing_lost()
