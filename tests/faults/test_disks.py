"""Disks that are full, and an archive that somebody else holds."""

import sqlite3
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, alerts, settle
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(180)]
MIB = 2**20
HELD = 10.0


@contextmanager
def disk(path: Path, mib: int) -> Generator[Path]:
    """A disk of its own, and small."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=700", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_of_the_host_is_full(kind: str, tmp_path: Path, table: Table) -> None:
    """What found no room is told, to the number; all else is archived, and acts go on."""
    with disk(tmp_path / "disk", 4) as small:
        server = Server(tmp_path / "site", kind)
        host = Host(server, spool=small / "spool.db")
        with Site(server, host) as site:
            host.sensor.await_said("connected to the broker")
            server.broker.stop()
            host.begin(rate=10_000, most=30_000, options=["--wait"])
            host.await_all_made()
            server.broker.start()
            host.sensor.await_said("connected to the broker", 2)
            host.begin(rate=500, prey=0.5, most=2_000)
            host.await_all_made()
            seconds = settle(site)
            told = account(site)
            table.add("disk of the host full", kind, told, seconds)
            assert told.declared > 10_000
            assert alerts(server, "dropped")
            told.assert_nothing_lost()
            assert host.living_prey() == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_disk_of_the_server_is_full(kind: str, tmp_path: Path, table: Table) -> None:
    """Nothing is acked that is not archived: what the server has no room for waits with the hosts."""
    with disk(tmp_path / "disk", 64) as small:
        ballast = small / "ballast"
        ballast.write_bytes(bytes(60 * MIB))
        server = Server(tmp_path / "site", kind, archive=small / "archive.db")
        host = Host(server)
        with Site(server, host) as site:
            host.begin(prey=2.0)
            server.analyzer.await_said("nothing is archived")
            time.sleep(3.0)
            ballast.unlink()
            server.analyzer.await_said("archiving again")
            host.end()
            seconds = settle(site)
            told = account(site)
            table.add("disk of the server full", kind, told, seconds)
            told.assert_nothing_lost()
            assert host.living_prey() == []


@pytest.mark.parametrize("kind", KINDS)
def test_somebody_else_holds_the_archive(kind: str, tmp_path: Path, table: Table) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(prey=2.0)
        server.analyzer.await_said("connected to the broker")
        with closing(sqlite3.connect(server.archive, timeout=20.0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(HELD)
            other.execute("ROLLBACK")
        released = time.monotonic()
        host.end()
        seconds = settle(site, since=released)
        told = account(site)
        table.add("archive locked for 10 s", kind, told, seconds)
        told.assert_nothing_lost()
        assert host.living_prey() == []
