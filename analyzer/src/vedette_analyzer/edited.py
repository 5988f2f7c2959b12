"""Files that people edit while we read them: telling that one was edited, opening what is a file."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MAX_BYTES = 512 * 2**20
LARGE_BYTES = 2**18
"""A larger file is read by another process; a smaller one is read here before that has started."""

Stamp = tuple[int, int, int, int]


def stamp(path: Path) -> Stamp | None:
    """Return what changes with every edit, a replacement included; `None` where the file is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def opened(path: Path) -> BufferedReader:
    """Open a file that is a file: a pipe would hold us up, a device has no end; raise `OSError` else."""
    file = open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")  # noqa: PTH123, SIM115
    found = os.fstat(file.fileno())
    if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES:
        return file
    file.close()
    if stat.S_ISREG(found.st_mode):
        raise OSError(errno.EFBIG, f"larger than {MAX_BYTES >> 20} MiB")
    raise OSError(errno.EINVAL, "not a regular file")
