"""Asking a broker, and the analyzer behind it, whether it serves."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_schemas import ANALYZER, BROKER, Life, Status, encode, topics
from vedette_schemas.access import HEALTH
from vedette_transport import BrokerAddress

from tests import brokers
from tests.authority import Authority, make_ca

pytestmark = pytest.mark.system


def ask(address: BrokerAddress, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "vedette_transport.health", "--broker", str(address), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@pytest.fixture(params=brokers.KINDS)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrokerAddress]:
    with brokers.broker(request.param, tmp_path) as running:
        yield running.address


def answering(
    address: BrokerAddress, facts: dict[str, str], authority: Authority | None = None
) -> brokers.Client:
    """Answer one question in the analyzer's name."""
    tls = brokers.client_context(authority, authority.issue(str(ANALYZER))) if authority else None
    who = str(ANALYZER) if tls else ""
    client = brokers.Client(address, topics.status(HEALTH), client_id=who, tls=tls)
    status = Status(
        principal=str(ANALYZER),
        connection="1" * 16,
        life=Life.RUNNING,
        number=1,
        at=datetime.now(UTC),
        program_version="1",
        facts=facts,
    )

    def answer() -> None:
        client.next()
        client.publish(topics.status(ANALYZER), encode(status))

    threading.Thread(target=answer, daemon=True).start()
    return client


def test_a_broker_that_answers_is_well(address: BrokerAddress) -> None:
    assert ask(address) == (0, "well")


def test_an_analyzer_that_answers_is_well(address: BrokerAddress) -> None:
    client = answering(address, {"archive": "on"})
    assert ask(address, "--analyzer") == (0, "well")
    client.close()


def test_an_analyzer_that_does_not_archive_is_not_well(address: BrokerAddress) -> None:
    client = answering(address, {"archive": "off: disk full"})
    assert ask(address, "--analyzer") == (1, "the archive is off: disk full")
    client.close()


def test_no_analyzer_is_not_well(address: BrokerAddress) -> None:
    assert ask(address, "--analyzer") == (1, "the analyzer does not answer")


def test_no_broker_is_not_well() -> None:
    address = BrokerAddress(port=brokers.free_port())
    assert ask(address) == (1, f"no broker at {address}: Connection refused")


def test_a_port_that_only_takes_connections_is_not_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = BrokerAddress(port=silent.getsockname()[1])
        assert ask(address) == (1, f"what listens at {address} does not answer")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=brokers.KINDS)
def tls_address(
    request: pytest.FixtureRequest, tmp_path: Path, authority: Authority
) -> Iterator[BrokerAddress]:
    with brokers.tls_broker(request.param, tmp_path / "broker", authority) as running:
        yield running.address


@pytest.mark.parametrize("who", [str(BROKER), str(HEALTH)])
def test_over_tls_a_broker_is_asked_with_a_certificate(
    tls_address: BrokerAddress, authority: Authority, tmp_path: Path, who: str
) -> None:
    folder = authority.identity(tmp_path / "identity", who)
    assert ask(tls_address, "--identity", str(folder)) == (0, "well")


def test_over_tls_an_analyzer_is_asked_by_who_may_do_nothing_else(
    tls_address: BrokerAddress, authority: Authority, tmp_path: Path
) -> None:
    folder = authority.identity(tmp_path / "identity", str(HEALTH))
    client = answering(tls_address, {"archive": "on"}, authority)
    assert ask(tls_address, "--analyzer", "--identity", str(folder)) == (0, "well")
    client.close()


def test_a_broker_of_another_ca_is_not_well(
    tls_address: BrokerAddress, authority: Authority, tmp_path: Path
) -> None:
    folder = make_ca(tmp_path / "other").identity(tmp_path / "identity", str(HEALTH))
    code, said = ask(tls_address, "--identity", str(folder))
    assert (code, said) == (
        1,
        f"no broker at {tls_address} to trust: its certificate is not of our CA; is this the right server?",
    )


def test_a_certificate_that_the_broker_refuses_is_not_well(
    tls_address: BrokerAddress, authority: Authority, tmp_path: Path
) -> None:
    folder = make_ca(tmp_path / "other").identity(tmp_path / "identity", str(HEALTH))
    shutil.copy(authority.path, folder / "ca.pem")
    code, said = ask(tls_address, "--identity", str(folder))
    assert code == 1
    assert "not of the CA whose certificate lies beside it" in said


def test_over_tls_a_port_that_only_takes_connections_is_not_well(
    authority: Authority, tmp_path: Path
) -> None:
    folder = authority.identity(tmp_path / "identity", str(HEALTH))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = BrokerAddress(port=silent.getsockname()[1])
        said = f"what listens at {address} does not answer"
        assert ask(address, "--identity", str(folder)) == (1, said)
