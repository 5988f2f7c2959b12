from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_archive import Reader, Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.db"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    with Writer(path) as opened:
        yield opened


@pytest.fixture
def reader(path: Path, writer: Writer) -> Iterator[Reader]:
    with Reader(path) as opened:
        yield opened
