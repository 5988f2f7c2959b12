"""From a token to a connection that is cut: CA, embedded broker and a host's session, each as it is run."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_console.ca import revoke
from vedette_transport import BrokerAddress, Connected, Disconnected, Inbox, MqttSession
from vedette_transport.certifying import renew
from vedette_transport.identity import Identity
from vedette_transport.joined import Server
from vedette_transport.joining import join

from tests import brokers, cas
from tests.transport.test_session import await_event

pytestmark = pytest.mark.system


@pytest.fixture
def address() -> BrokerAddress:
    return BrokerAddress(port=brokers.free_port())


@pytest.fixture
def ca(tmp_path: Path, address: BrokerAddress) -> Iterator[cas.RunningCa]:
    more = f'broker = "{address}"\n[identities]\nbroker = "{tmp_path}/broker"\n'
    with cas.serving(cas.make(tmp_path / "ca", more)) as running:
        yield running


@pytest.fixture
def broker(ca: cas.RunningCa, tmp_path: Path, address: BrokerAddress) -> Iterator[None]:
    settings = tmp_path / "broker.toml"
    settings.write_text(
        f'identity = "{tmp_path}/broker"\ncrl = "{ca.folder}/public/crl.pem"\n'
        f'listen = {{host = "127.0.0.1", port = {address.port}}}\n'
    )
    command = [sys.executable, "-P", "-m", "vedette_broker", "--settings", str(settings)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("listening on" in line for line in process.stderr)
        yield
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.usefixtures("broker")
def test_a_host_joins_connects_renews_is_revoked_and_is_cut_off(
    ca: cas.RunningCa, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    join(ca.token().write(), tmp_path / "identity", operator=False)
    sensor = Identity(tmp_path / "identity" / "sensor")
    inbox = Inbox()
    where = Server.beside(tmp_path / "identity" / "sensor").broker
    session = MqttSession(sensor.principal, where, inbox, identity=sensor)
    session.start()
    await_event(inbox, Connected)
    renew(sensor, ca.address)  # what was shown before is still good
    with caplog.at_level(logging.WARNING, "vedette_transport"):
        revoke(ca.folder, "host-8", datetime.now(UTC))
        await_event(inbox, Disconnected)
        await_event(inbox, Disconnected)  # and refused when it comes back
        session.stop()
    assert "was our certificate revoked?" in caplog.messages[-1]
