"""Asking a broker, and the analyzer behind it, whether it serves."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_schemas import ANALYZER, Life, Status, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers

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


def answering(address: BrokerAddress, facts: dict[str, str]) -> brokers.Client:
    """Answer one question in the analyzer's name."""
    client = brokers.Client(address, "vedette/v1/status/console@health")
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
