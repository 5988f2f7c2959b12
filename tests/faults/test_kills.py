"""Killed with -9, twenty times at random moments, under 2,000 observations a second: nothing is lost."""

import random
import time
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, settle
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(240)]
KILLS = 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("victim", ["analyzer", "broker", "sensor", "session"])
def test_killed_twenty_times(
    victim: str, kind: str, tmp_path: Path, moments: random.Random, table: Table
) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(prey=1.5)
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.3, 2.0))  # the random moment is what is tested
            if victim == "session":
                host.kill()
                host.begin(prey=1.0)
            else:
                {"analyzer": server.analyzer, "broker": server.broker, "sensor": host.sensor}[victim].kill()
        host.end()
        seconds = settle(site)
        told = account(site)
        table.add(f"{victim} killed {KILLS} times", kind, told, seconds)
        assert host.now.dropped == 0
        told.assert_nothing_lost()
        assert host.living_prey() == []
