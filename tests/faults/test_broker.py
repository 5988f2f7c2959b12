"""A broker that is away, and one that has forgotten everything."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, settle
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(240)]
AWAY = 30.0


def test_the_broker_is_away_for_half_a_minute(tmp_path: Path, table: Table) -> None:
    """Both kinds of broker at once, each with its own programs."""
    with ExitStack() as stack:
        sites: list[Site] = []
        for kind in KINDS:
            server = Server(tmp_path / kind, kind)
            sites.append(stack.enter_context(Site(server, Host(server))))
        for site in sites:
            site.host.sensor.await_said("connected to the broker")
            site.host.begin(rate=1_000, prey=10.0)
        for site in sites:
            site.server.broker.stop()
        time.sleep(AWAY)
        for site in sites:
            site.server.broker.start()
        back = time.monotonic()
        for site in sites:
            site.host.end()
        for site in sites:
            seconds = settle(site, since=back)
            told = account(site)
            table.add("broker away for 30 s", site.server.kind, told, seconds)
            told.assert_nothing_lost()
            assert site.host.living_prey() == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_broker_forgets_everything_five_times(kind: str, tmp_path: Path, table: Table) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(prey=1.0)
        for times in range(5):
            host.sensor.await_said("connected to the broker", times + 1)
            host.enforcer.await_said("connected to the broker", times + 1)
            server.broker.stop()
            server.forget()
            server.broker.start()
        host.end()
        seconds = settle(site)
        told = account(site)
        table.add("broker restarted 5 times without its state", kind, told, seconds)
        told.assert_nothing_lost()
        assert host.living_prey() == []
