"""A line to one of the host's root programs: connected for as long as the session runs."""

import contextlib
import logging
import socket
import struct
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

from vedette_transport import backoff

log = logging.getLogger(__name__)

_SEND_TIMEOUT = struct.pack("@ll", 10, 0)  # a struct timeval: who takes nothing for 10 s is gone
_LONGEST_FAULT = 200
_LONGEST_WAIT = 0.5
"""Seconds between two tries. They cost next to nothing, and meanwhile what is seen has no place on disk."""

_GOOD_LINE = 5.0
"""Seconds that a line has to hold for the next failure to be a new one."""


def stay_connected(
    program: str, path: Path, talk: Callable[[socket.socket], None], *, level: int = logging.WARNING
) -> None:
    """Connect for ever and `talk` while connected; say once, at `level`, that the program is not there.

    A fault of our own in `talk` is said in a line as well, and does not end it.
    """
    delays, complained = backoff(longest=_LONGEST_WAIT), False
    while True:
        began = time.monotonic()
        try:
            with _connected(path) as connection:
                talk(connection)
            why = "it closed the line"
        except OSError as error:
            why = error.strerror or str(error)
        except Exception as error:  # noqa: BLE001 (the thread is all that leads to the program)
            why = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_FAULT]
        if time.monotonic() - began > _GOOD_LINE:
            delays, complained = backoff(longest=_LONGEST_WAIT), False
        if not complained:
            log.log(level, "no %s at %s (%s); trying again", program, path, why)
        complained = True
        time.sleep(next(delays))


@contextlib.contextmanager
def _connected(path: Path) -> Generator[socket.socket]:
    if sys.platform == "win32":
        raise OSError("Python has no Unix sockets on this system")
    else:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
            connection.connect(str(path))
            yield connection
