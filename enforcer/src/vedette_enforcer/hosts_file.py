"""Names: Vedette's section of /etc/hosts."""

import contextlib
import os
import sys
from pathlib import Path

from .hosts_section import said_by_others, with_section
from .part import ActError
from .replacing import replace
from .surroundings import Surroundings
from .wanted import Wanted

if sys.platform != "linux":
    raise ImportError("not built for this system yet")

_FILE = Path("/etc/hosts")
_TRIES = 3
_MOST = 16 * 2**20

Stamp = tuple[int, int, int, int] | None


class HostsFile:
    """The hosts file as it was left."""

    name = "names"

    def __init__(self) -> None:
        """Nothing is known of it."""
        self._left: Stamp = None
        self._hosts: tuple[tuple[str, bool], ...] = ()

    def ability(self) -> str:
        """Say whether it works here."""
        return "on" if os.geteuid() == 0 else "off: not root"

    def apply(self, wanted: Wanted, around: Surroundings) -> None:  # noqa: ARG002
        """Write the section, where it is not what it should be."""
        self._hosts = wanted.hosts
        try:
            self._apply(wanted.hosts)
        except OSError as error:
            self._left = _stamp()
            raise ActError(f"{_FILE} can't be written: {error.strerror}") from None

    def disturbed(self) -> bool:
        """Tell whether the file is another one than was left, and no longer what it should be."""
        stamp = _stamp()
        if stamp == self._left:
            return False
        self._left = stamp
        try:
            content = _FILE.read_bytes()
        except OSError:
            return bool(self._hosts)
        return with_section(content, self._hosts) != content

    def _apply(self, hosts: tuple[tuple[str, bool], ...]) -> None:
        for _ in range(_TRIES):
            before = _stamp()
            content = b""
            with contextlib.suppress(FileNotFoundError):
                if before is not None and before[2] > _MOST:
                    raise ActError(f"{_FILE} is larger than {_MOST // 2**20} MiB")
                content = _FILE.read_bytes()
            after = with_section(content, hosts)
            if after != content and _stamp() != before:
                continue  # someone has written to it meanwhile
            if after != content:
                replace(_FILE, after)
            self._left = _stamp()
            if elsewhere := said_by_others(after, hosts):
                raise ActError(f"other lines of {_FILE} say where {', '.join(elsewhere[:5])} is")
            return
        raise ActError(f"{_FILE} is being changed all the time")


def _stamp() -> Stamp:
    try:
        found = _FILE.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
