"""An archive is backed up while it is written to, and an older one is put in its place."""

from pathlib import Path

import pytest
from vedette_archive import back_up, check, restore

from tests.brokers import KINDS
from tests.faults.counting import alerts, archived_count, await_archived
from tests.faults.running import until
from tests.faults.site import Host, Server, Site

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(180)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_backup_is_one_clear_alert_and_what_comes_then_is_archived(
    kind: str, tmp_path: Path
) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    backup = tmp_path / "backup.db"
    with Site(server, host):
        host.sensor.await_said("connected to the broker")
        host.begin(most=6_000)
        await_archived(server, 1_000)
        back_up(server.archive, backup)
        host.await_all_made()
        await_archived(server, 6_000)
        server.analyzer.stop()
        aside = restore(backup, server.archive, by="user anna")
        assert aside is not None
        assert 1_000 <= archived_count(server) < 6_000
        server.analyzer.start()
        until(lambda: bool(alerts(server, "archive-went-back")), "what was lost is told")
        before = archived_count(server)
        host.begin(most=500)
        host.await_all_made()
        await_archived(server, before + 500)
        assert len(alerts(server, "archive-went-back")) == 1
        assert not alerts(server, "spool-went-back")
        assert not alerts(server, "spool-lost")
        assert len(alerts(server, "missing")) <= 1  # what the archive had lost, all in one
    assert check(server.archive) == []
