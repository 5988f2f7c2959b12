"""When `vedette up` is to start the notifier: whoever names routes later is not to start all anew."""

from pathlib import Path

_Stamp = tuple[int, int, int] | None


class Telling:
    """Watches for the notifier's settings."""

    def __init__(self, path: Path) -> None:
        """Begin, and look whether they are there."""
        self._path = path
        self._first = self._stamp()
        self._tried: _Stamp = None

    def is_due(self) -> bool:
        """Tell whether a notifier that does not run is to be started: with these settings it was not yet."""
        before, self._tried = self._tried, self._stamp()
        return self._tried not in (None, before)

    @property
    def is_as_at_first(self) -> bool:
        """Whether the settings are those that were there in the beginning."""
        return self._stamp() == self._first

    def _stamp(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
