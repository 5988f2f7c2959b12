"""`vedette-sensor` over TLS: what it does with its certificate, and what that costs it."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.authority import make_ca
from tests.brokers import free_port, tls_broker
from tests.desktop import end

pytestmark = pytest.mark.system
DAY = timedelta(days=1)


def test_it_shows_a_certificate_and_sees_to_its_renewal_without_loading_cryptography(tmp_path: Path) -> None:
    ca = make_ca(tmp_path / "ca")
    begins = datetime.now(UTC) - 70 * DAY
    identity = ca.identity(tmp_path / "sensor", "sensor@host-7", valid_from=begins, valid_for=90 * DAY)
    identity.chmod(0o700)
    with tls_broker("embedded", tmp_path / "broker", ca) as running:
        (tmp_path / "server.toml").write_text(
            f'[ca]\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {running.address.port}\n'
        )
        settings = tmp_path / "sensor.toml"
        settings.write_text(
            f'identity = "{identity}"\nsocket = "{tmp_path}/sensor.sock"\nspool = "{tmp_path}/spool.db"\n'
        )
        command = [sys.executable, "-m", "vedette_sensor", "--settings", str(settings)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as sensor:
            try:
                assert sensor.stderr is not None
                said = sorted(sensor.stderr.readline() for _ in range(2))
                loaded = Path(f"/proc/{sensor.pid}/maps").read_text()
            finally:
                end(sensor)
    assert "connected to the broker" in said[0]
    assert "our certificate can't be renewed: can't reach the CA" in said[1]
    assert "/_ssl" in loaded
    assert "/cryptography" not in loaded
