"""Connecting to the host's root programs."""

import contextlib
import socket
import struct
import sys
from collections.abc import Generator
from pathlib import Path

_SEND_TIMEOUT = struct.pack("@ll", 10, 0)  # a struct timeval: who takes nothing for 10 s is gone


@contextlib.contextmanager
def connected(path: Path) -> Generator[socket.socket]:
    """Connect to a program's Unix socket; raise `OSError` where that can't be."""
    if sys.platform == "win32":
        raise OSError("Python has no Unix sockets on this system")
    else:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
            connection.connect(str(path))
            yield connection
