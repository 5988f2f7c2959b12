"""What a load has made and the sensor has taken, on a mapped page: it outlives a kill."""

import mmap
import struct
from pathlib import Path
from typing import NamedTuple

_FIELDS = struct.Struct("<QQQ")


class Count(NamedTuple):
    """How many observations a load made, up to which the sensor has them, and how many gave way before."""

    made: int = 0
    taken: int = 0
    dropped: int = 0


class Tally:
    """The page, for the load that writes it."""

    def __init__(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(_FIELDS.pack(*Count()))
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _FIELDS.size)
        self._count = Count()

    def write(self, **changes: int) -> None:
        self._count = self._count._replace(**changes)
        _FIELDS.pack_into(self._page, 0, *self._count)


def read(path: Path) -> Count:
    """Return what a load has written so far."""
    try:
        return Count(*_FIELDS.unpack(path.read_bytes()))
    except (FileNotFoundError, struct.error):
        return Count()
