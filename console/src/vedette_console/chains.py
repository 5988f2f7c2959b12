"""The audit's chains, of which each program writes its own: where they are, and how they are read."""

import heapq
import os
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vedette_schemas import SettingsError

from .acting import OperatorSettings
from .ca.register_file import NAME as REGISTER
from .orders import open_archive
from .web.settings import NAME as CONSOLE
from .web.settings import ConsoleSettings

if TYPE_CHECKING:
    from vedette_archive import AuditQuery, AuditRow, Head, Verified


class Book(StrEnum):
    """Which chain: the analyzer's in the archive, the web console's, the CA's."""

    NETWORK = "network"
    CONSOLE = "console"
    CA = "ca"


NOT_HERE = "not here"


class Row(NamedTuple):
    """A row, and of which chain it is."""

    book: Book
    row: "AuditRow"


class Chain(Protocol):
    """A chain that can be read."""

    def rows(self, query: "AuditQuery", limit: int) -> "list[AuditRow]":
        """Return the newest rows that are asked for, newest first."""
        ...

    def verify(self, noted: "Iterable[Head]") -> "Verified":
        """Return what is wrong; `noted` are heads that were noted elsewhere."""
        ...


def places(folder: Path, ca: Path | None) -> dict[Book, Path]:
    """Return the files of the chains that the settings in a folder name, or that lie where they use to.

    `ca` is the CA's folder, where somebody has named it. Raise `SettingsError` where nothing is here.
    """
    from .web.store import NAME  # noqa: PLC0415 (SQLAlchemy takes as long as all else here)

    console = ConsoleSettings.of(folder / CONSOLE) if _is_there(folder / CONSOLE) else None
    found: dict[Book, Path] = {}
    if _is_there(folder / "operator.toml"):
        found[Book.NETWORK] = OperatorSettings.of(folder).archive
    elif console is not None:
        found[Book.NETWORK] = console.archive
    own = folder / "console" if console is None else console.folder
    if console is not None or _is_there(own):
        found[Book.CONSOLE] = own / NAME
    authority = ca or (console and console.ca) or folder / "ca"
    if ca is not None or _is_there(authority):
        found[Book.CA] = authority / REGISTER
    if not found:
        OperatorSettings.of(folder)  # says what is not there, and what to do
    return found


@contextmanager
def opened(book: Book, path: Path) -> Generator[Chain]:
    """Open a chain to read; raise a `VedetteError` where that can't be. It may be written meanwhile."""
    try:
        path.stat()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    if not os.access(path, os.R_OK):
        raise SettingsError(f"{path}: you may not read it")
    if book is Book.NETWORK:
        with open_archive(path) as reader:
            yield reader.audit
        return
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchall():
                raise SettingsError(
                    f"{path}: holds no chain; the program that it belongs to begins one when it starts"
                )
            yield _Chain(connection)
    except sqlite3.Error as error:
        raise SettingsError(f"{path}: can't be read: {error}") from None


class _Chain:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: "AuditQuery", limit: int) -> "list[AuditRow]":
        from vedette_archive import chain  # noqa: PLC0415 (as above)

        return chain.rows(self._connection, query, limit)

    def verify(self, noted: "Iterable[Head]") -> "Verified":
        from vedette_archive.verifying import verify  # noqa: PLC0415 (as above)

        self._connection.execute("BEGIN")  # one snapshot, however much is written meanwhile
        return verify(self._connection, noted)


def merged(found: "Mapping[Book, Sequence[AuditRow]]", limit: int) -> list[Row]:
    """Return the newest rows of all chains, oldest first; of each chain in its own order."""
    each = [[Row(book, row) for row in reversed(rows)] for book, rows in found.items()]
    return list(heapq.merge(*each, key=lambda one: one.row.at))[-limit:]


def noted_heads(texts: Iterable[str]) -> "dict[Book, list[Head]]":
    """Read heads, `BOOK:NUMBER:HASH`; without a book, as heartbeats tell it, one is the archive's."""
    from vedette_archive import Head  # noqa: PLC0415 (as above)

    found: dict[Book, list[Head]] = {}
    for text in texts:
        name, _, rest = text.strip().partition(":")
        book, head = (Book(name), rest) if name in set(Book) else (Book.NETWORK, text)
        found.setdefault(book, []).append(Head.parse(head))
    return found


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # we are not let near it: whoever reads it says so
        return True
    return True
