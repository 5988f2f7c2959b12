"""The addresses of blocked names, asked for again while their blocks live."""

import threading
from collections.abc import Callable, Iterable

from .dns import ask
from .surroundings import Address
from .wanted import Resolved

_AGAIN = 60.0


class NamesWatch:
    """Asks in a thread of its own, which there is only while names are watched."""

    def __init__(self, resolvers: Callable[[], Iterable[Address]]) -> None:
        """Ask these."""
        self._resolvers = resolvers
        self._resolved: dict[str, frozenset[Address]] = {}
        self._names: frozenset[str] = frozenset()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None

    def resolved(self, names: frozenset[str]) -> Resolved:
        """Watch these and no others; return what is known of them by now."""
        if names != self._names:
            self._names = names
            self._news.set()
        if names and self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="names", daemon=True)
            self._thread.start()
        known = self._resolved
        return {name: known[name] for name in names if name in known}

    def _watch(self) -> None:
        while True:
            self._news.clear()
            names = self._names
            for name in sorted(names):
                found = ask(name, self._resolvers())
                if found is not None:
                    # An address that it had stays blocked: names with many give some at a time.
                    self._resolved = {**self._resolved, name: found | self._resolved.get(name, frozenset())}
            self._resolved = {name: found for name, found in self._resolved.items() if name in names}
            self._news.wait(_AGAIN if names else None)
