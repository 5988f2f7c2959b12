from collections.abc import Generator

import pytest

from tests import brokers

from .site import Site, site


@pytest.fixture(scope="module", params=brokers.KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A broker for all the tests of a module: what one attacker did is not to trouble the next."""
    with site(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running
