from collections.abc import Iterator

import pytest

from .programs import Programs


@pytest.fixture
def programs() -> Iterator[Programs]:
    with Programs() as started:
        yield started
