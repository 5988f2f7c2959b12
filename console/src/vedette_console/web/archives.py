"""The archive as the console reads it: from several threads, by few connections, while it may be replaced."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError
from vedette_archive import ArchiveError, History, Reader

_MOST_KEPT = 4
_PATIENCE = 2.0


class _Closable(Protocol):
    def close(self) -> None: ...


_T = TypeVar("_T", bound=_Closable)


class Archives:
    """Readers and searchers of one archive, each lent to one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._readers = _Pool(path, lambda: Reader(path, patience=_PATIENCE))
        self._histories = _Pool(path, lambda: History(path, patience=_PATIENCE))
        self.reading = self._readers.lent
        """Lend a reader; raises `ArchiveError` where there is no archive that can be read."""
        self.searching = self._histories.lent
        """Lend what searches; raises `ArchiveError` as well."""

    def close(self) -> None:
        """Close those that are not lent."""
        self._readers.close()
        self._histories.close()


class _Pool(Generic[_T]):
    """Open files of one kind, by the file that they were opened as: it may have been replaced since."""

    def __init__(self, path: Path, opened: Callable[[], _T]) -> None:
        self._path, self._opened = path, opened
        self._lock = threading.Lock()
        self._free: list[tuple[int, _T]] = []

    @contextmanager
    def lent(self) -> Generator[_T]:
        file = self._file()
        one = self._taken(file) or self._opened()
        try:
            yield one
        except (ValidationError, JSONDecodeError, OverflowError) as error:
            one.close()
            why = type(error).__name__
            raise ArchiveError(f"{self._path} holds something that can't be read ({why})") from error
        except BaseException:
            one.close()
            raise
        with self._lock:
            if len(self._free) < _MOST_KEPT:
                self._free.append((file, one))
                return
        one.close()

    def close(self) -> None:
        with self._lock:
            for _, one in self._free:
                one.close()
            self._free.clear()

    def _taken(self, file: int) -> _T | None:
        """Take a free one of the file that is there now; those of a former one are closed."""
        with self._lock:
            while self._free:
                of, one = self._free.pop()
                if of == file:
                    return one
                one.close()
        return None

    def _file(self) -> int:
        try:
            return self._path.stat().st_ino
        except (OSError, ValueError):
            raise ArchiveError(f"{self._path} is not there: the analyzer makes it when it starts") from None
