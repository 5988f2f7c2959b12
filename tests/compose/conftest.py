"""One engine for all tests here, and one server of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.compose import engine as engines
from tests.compose.engine import Engine
from tests.compose.server import ComposedServer, JoinedHost
from tests.faults.site import Site


@pytest.fixture(scope="package")
def engine() -> Iterator[Engine]:
    found = engines.find()
    try:
        found.build_server()
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposedServer]:
    """A server that runs until all tests have been through it."""
    folder: Path = tmp_path_factory.mktemp("composed") / "server"
    rows = [
        f"program,prey-{life}-{number},terminate,high,,,," for life in range(1, 5) for number in range(1, 300)
    ]
    server = ComposedServer(engine, folder, request.param, *rows)
    try:
        server.up()
        yield server
    finally:
        print(server.compose("logs", "--no-color"))
        server.down()


@pytest.fixture(scope="module")
def site(server: ComposedServer) -> Iterator[Site]:
    """The server and a host outside, with programs of its own."""
    with Site(server, JoinedHost(server)) as site:
        yield site
