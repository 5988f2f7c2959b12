"""What the system says of a process that may have to be ended."""

from typing import NamedTuple

from vedette_schemas import Process

OF_KERNEL = "[kernel]"
"""The executable of what runs no file."""


class Running(NamedTuple):
    """A process as it runs. `uid` is its real user; `None` where the system has no such numbers."""

    process: Process
    parent: int
    uid: int | None
    of_kernel: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What no other process has had since the system started."""
        return self.process.pid, self.process.started

    def __str__(self) -> str:
        name = self.process.executable.replace("\\", "/").rpartition("/")[2]
        return f"{name[:64]} ({self.process.pid})"
