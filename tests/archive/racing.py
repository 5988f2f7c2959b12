"""Stores the numbers 1 to COUNT in archive PATH in runs of random length, as a twin does at the same time."""

import random
import sys
from pathlib import Path

from vedette_archive import Writer

from tests.archive.history import WINDOWS, observed

if __name__ == "__main__":
    path, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    chance, new, commits = random.Random(seed), 0, 0
    with Writer(path) as writer:
        first = 1
        while first <= count:
            length = min(chance.randint(1, 9), count - first + 1)
            new += len(writer.store(observed(first, length)).numbers.get(WINDOWS, ()))
            first += length
            commits += 1
        print(writer.epoch, commits, new)
