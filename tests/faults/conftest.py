"""What every test of a fault gets: a seed for its random moments, and a table to write its account into."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.table import Table

DOCUMENT = Path(__file__).parents[2] / "docs" / "RELIABILITY.md"


@pytest.fixture
def moments() -> random.Random:
    """Random moments; VEDETTE_SEED brings those of a run that failed back."""
    seed = int(os.environ.get("VEDETTE_SEED", random.randrange(2**32)))
    print(f"VEDETTE_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """The table of this run; VEDETTE_WRITE_TABLE has it written."""
    table = Table()
    yield table
    if os.environ.get("VEDETTE_WRITE_TABLE"):
        table.write(DOCUMENT)
