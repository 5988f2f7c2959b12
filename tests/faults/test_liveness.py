"""Who is silent is told, within a hundred seconds; who ended in order is not."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.counting import alerts, await_archived
from tests.faults.running import until
from tests.faults.site import Host, Server, Site

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(240)]
TOLD_WITHIN = 100.0


def test_silence_a_stopped_program_and_a_gap_are_told_and_an_orderly_end_is_not(tmp_path: Path) -> None:
    server = Server(tmp_path / "site", "mosquitto")
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
        for program in (frozen.sensor, frozen.enforcer):
            program.send(signal.SIGSTOP)
        leaving.sensor.stop()
        leaving.enforcer.stop()
        crippled.enforcer.stop()
        _rob(server, robbed)
        until(lambda: bool(alerts(server, "silent-host")), "silence is told", TOLD_WITHIN)
        assert [alert["host"] for alert in alerts(server, "silent-host")] == ["frozen"]
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
