"""Fills a small disk, makes room, goes on and prints what it saw; run within a mount namespace."""

import subprocess
import sys
from pathlib import Path

from vedette_archive import ArchiveFullError, Reader, Writer, check

from tests.archive.history import WINDOWS, observed

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    path = folder / "archive.db"
    with Writer(path) as writer, Reader(path) as reader:
        number = 1
        try:
            while True:
                writer.store(observed(number, 100))
                number += 100
        except ArchiveFullError as error:
            print(error)
        print(len(reader.numbers(WINDOWS)) == number - 1)
        ballast.unlink()
        print(len(writer.store(observed(number, 100)).numbers[WINDOWS]))
        print(len(reader.numbers(WINDOWS)) == number + 99)
    print(check(path))
