"""Complaints that cannot fill a log, however often there is reason for one."""

import threading


class Complaints:
    """Counts one kind of complaint: the first is said, then the second, the fourth, the eighth and so on."""

    def __init__(self) -> None:
        """Begin without any."""
        self._count = 0
        self._lock = threading.Lock()

    def one_more(self) -> int | None:
        """Count one; return how many there were if that is to be said."""
        with self._lock:
            self._count += 1
            return self._count if self._count & (self._count - 1) == 0 else None
