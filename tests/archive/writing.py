"""Writes to archive PATH from number FIRST on without end, and says each number that is committed."""

import sys
from pathlib import Path

from vedette_archive import Writer

from tests.archive.history import observed

if __name__ == "__main__":
    with Writer(Path(sys.argv[1])) as writer:
        number = int(sys.argv[2])
        while True:
            writer.store(observed(number, 20))
            number += 20
            print(number - 1, flush=True)
