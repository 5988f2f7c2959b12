"""Clocks: those of hosts an hour off, and the server's set back while it runs."""

from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, archived_count, await_archived, not_done, settle
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system]
HOUR = 3_600
_SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select((), (), (), seconds) and None\n"
"""faketime breaks time.sleep: it takes the time to wake up for one of the day."""

_LIBRARY = "libfaketimeMT.so.1"


def clock(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a program whose clock of the day is false; what counts seconds is not."""
    (library,) = Path("/usr/lib").glob(f"*/faketime/{_LIBRARY}")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SLEEP)
    common = {"LD_PRELOAD": str(library), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(folder)}
    return common | settings


@pytest.mark.parametrize("kind", KINDS)
def test_hosts_whose_clocks_are_an_hour_off(kind: str, tmp_path: Path, table: Table) -> None:
    server = Server(tmp_path / "site", kind)
    ahead = Host(server, "ahead", environment=clock(tmp_path / "package", FAKETIME=f"+{HOUR}"))
    behind = Host(server, "behind", environment=clock(tmp_path / "package", FAKETIME=f"-{HOUR}"))
    with Site(server, ahead, behind) as site:
        ahead.begin(rate=500, prey=1.0, options=["--ahead", str(HOUR)])
        behind.begin(rate=500, prey=1.0, options=["--ahead", str(-HOUR)])
        await_archived(server, 3_000)
        for host in site.hosts:
            host.end()
        seconds = settle(site)
        told = account(site)
        table.add("hosts' clocks an hour ahead and behind", kind, told, seconds)
        told.assert_nothing_lost()
        assert told.commands > 0
        assert ahead.living_prey() == behind.living_prey() == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_clock_of_the_server_is_set_back_and_forth(kind: str, tmp_path: Path, table: Table) -> None:
    setting = tmp_path / "clock"
    setting.write_text("+0")
    environment = clock(tmp_path / "package", FAKETIME_TIMESTAMP_FILE=str(setting), FAKETIME_NO_CACHE="1")
    server = Server(tmp_path / "site", kind, environment=environment)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(rate=500, prey=0.7)
        for times, seconds in enumerate((-HOUR, +HOUR), start=1):
            await_archived(server, archived_count(server) + 2_000)
            setting.write_text(f"{seconds:+d}")
            server.analyzer.await_said("the clock was set by", times)
        host.end()
        took = settle(site)
        told = account(site)
        table.add("server's clock set back and forth", kind, told, took)
        told.assert_nothing_lost()
        assert told.commands > 0
        assert host.living_prey() == [], not_done(server)
