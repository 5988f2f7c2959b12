from collections.abc import Generator

import pytest

from tests import brokers

from .network import Network, network
from .site import Site, site


@pytest.fixture(scope="module", params=brokers.KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A broker for all the tests of a module: what one attacker did is not to trouble the next."""
    with site(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module", params=brokers.KINDS)
def attacked(request: pytest.FixtureRequest) -> Generator[Network]:
    """The product, for all the tests of a module."""
    with network(request.param) as running:
        yield running
