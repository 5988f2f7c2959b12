"""Files that change while we run: noticed each second, by what the file system says of them."""

from collections.abc import Sequence
from pathlib import Path

_Stamp = tuple[tuple[int, int, int] | None, ...]


class Watched:
    """Some files, and whether they have changed."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Begin; the first `changed` is true."""
        self._paths, self._stamp = tuple(paths), _Stamp()

    def changed(self) -> bool:
        """Tell whether any has changed since this was asked last."""
        before, self._stamp = self._stamp, tuple(map(_stamp, self._paths))
        return before != self._stamp


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
