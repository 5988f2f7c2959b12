from collections.abc import Iterator
from pathlib import Path

import pytest

from ..authority import Authority, Issued, make_ca
from . import inside
from .orders import ANALYZER
from .programs import Programs


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_ca(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def analyzer(authority: Authority) -> Issued:
    return authority.issue(ANALYZER)


@pytest.fixture
def programs() -> Iterator[Programs]:
    with Programs() as started:
        yield started


@pytest.fixture
def world(tmp_path: Path) -> Iterator[inside.World]:
    """A host of the test's own. What asks for it runs in namespaces: it can touch nothing of this one."""
    if not inside.IS:
        yield inside.NOWHERE
        return
    with inside.world(tmp_path) as made:
        yield made


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that asks for a world in namespaces of its own, by a pytest of its own."""
    if "world" not in pyfuncitem.fixturenames or inside.IS:
        return None
    inside.run(pyfuncitem.nodeid)
    return True
