"""The spool on disk: what waits for its ack, and what a program must not forget between its runs."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

from vedette_schemas import MAX_RANGES, NOTHING, MessageError, Position, Ranges, Stream, decode, encode

from .delivery import Kept, SpoolDamagedError, SpoolFullError
from .spool_file import Ballast, claim, explained, in_memory, open_file

_NUMBER_BITS = 40
_WRITES_A_CHECKPOINT = 250
_BYTES_A_CHECKPOINT = 2**19
_SMALL, _SPARE = 64, 8
"""Pages: of a spool that may grow all the same; that an observation may take beside its own."""

Execute = Callable[..., sqlite3.Cursor]


class Note(NamedTuple):
    """What a program is to find again when it is started again."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class _Row:
    """A stream as it is written."""

    id: int
    next: int = 1
    dropped: Ranges = NOTHING

    def place(self, number: int) -> int:
        return self.id << _NUMBER_BITS | number


class SqliteSpool:
    """A program's spool: a `Spool` whose observations are those of `principal`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, principal: str, ballast: Ballast) -> None:
        """Take over a connection of `spool_file`, and the room that is kept beside it."""
        self._ballast = ballast
        self._db, self._path, self._principal = connection, path, principal
        self._rows: dict[Stream, _Row] = {}
        self._ordinal = 0
        self._beside: Note | None = None
        self._writes = self._written = 0
        self.is_troubled = False
        """Whether the last that was to be written was not."""
        self.trouble, self.troubles = "", 0
        """Why something was not written, the last time; how often that was."""

    @classmethod
    def at(cls, path: Path, principal: str) -> Self:
        """Open the spool at `path`."""
        connection = open_file(path)
        try:
            claim(path, connection, principal)
        except BaseException:
            connection.close()
            raise
        return cls(connection, path, principal, Ballast(path))

    @classmethod
    def in_memory(cls, path: Path, principal: str) -> Self:
        """Open one that lasts as long as the program, where there can be none at `path`."""
        return cls(in_memory(), path, principal, Ballast(None))

    def close(self) -> None:
        """Let others open it."""
        with suppress(sqlite3.Error):
            self._db.close()

    def open(self, name: str) -> int:  # noqa: ARG002 - a `Spool` may want to write it down
        """Begin an opening; its ordinal is written with the first that can be, if it can't be now."""
        with self._reading():
            ((before,),) = self._db.execute("SELECT ordinal FROM meta").fetchall()
            ordinal = self._ordinal = int(before) + 1
        with suppress(SpoolFullError), self._writing():
            pass
        return ordinal

    def streams(self) -> Mapping[Stream, Kept]:
        """Return every stream that was begun and not forgotten."""
        with self._reading():
            found = self._db.execute("SELECT id, spool, kind, ordinal, next, dropped FROM stream").fetchall()
            kept: dict[Stream, Kept] = {}
            for id_, spool, kind, ordinal, next_, dropped in found:
                stream = Stream(self._principal, spool, kind)
                row = _Row(id_, next_, Ranges.of((first, last) for first, last in json.loads(dropped)))
                held, size = self._held(row)
                self._rows[stream] = row = replace(row, next=max(row.next, held.highest + 1))
                kept[stream] = Kept(ordinal, row.next, held, size, row.dropped)
            return kept

    def heard(self) -> Sequence[Position]:
        """Return what `hear` was last given."""
        with self._reading():
            ((heard,),) = self._db.execute("SELECT heard FROM meta").fetchall()
            return [decode(Position, json.dumps(each)) for each in json.loads(heard)]

    def hear(self, positions: Sequence[Position]) -> None:
        """Keep the archive's positions in the acks that came last."""
        heard = b",".join(encode(position) for position in positions).decode()
        with self._writing() as execute:
            execute("UPDATE meta SET heard = ?", (f"[{heard}]",))

    def add(self, stream: Stream, ordinal: int, number: int, item: bytes) -> None:
        """Keep an observation, with the note that `beside` has for it."""
        with self._writing() as execute:
            self._leave_room(len(item))
            row = self._rows.get(stream)
            if row is None:
                begun = execute(
                    "INSERT INTO stream (spool, kind, ordinal) VALUES (?, ?, ?)",
                    (stream.spool, stream.kind, ordinal),
                )
                row = _Row(int(begun.lastrowid or 0))
            if number > row.next:
                row = replace(
                    row, dropped=(row.dropped | Ranges.span(row.next, number - 1)).coarse(MAX_RANGES)
                )
                execute("UPDATE stream SET dropped = ? WHERE id = ?", (json.dumps(row.dropped.pairs), row.id))
            place = row.place(number)
            execute("INSERT INTO item VALUES (?, ?, ?)", (place, _checksum(place, item), item))
            if self._beside is not None:
                execute("INSERT OR REPLACE INTO note VALUES (?, ?)", self._beside)
        self._rows[stream] = replace(row, next=number + 1)
        self._written += len(item)

    def read(self, stream: Stream, first: int, last: int) -> Sequence[bytes]:
        """Return the observations `first` to `last`, each as it was written."""
        row = self._rows[stream]
        with self._reading():
            found = self._db.execute(
                "SELECT place, checksum, item FROM item WHERE place BETWEEN ? AND ? ORDER BY place",
                (row.place(first), row.place(last)),
            ).fetchall()
            if len(found) != last - first + 1 or any(_checksum(at, item) != sum_ for at, sum_, item in found):
                raise SpoolDamagedError("an observation is not as it was written")
        return [item for _, _, item in found]

    def remove(self, stream: Stream, first: int, last: int) -> int:
        """Let go of what is held from `first` to `last`."""
        return self.drop(stream, first, last, self._rows[stream].dropped)

    def drop(self, stream: Stream, first: int, last: int, dropped: Ranges) -> int:
        """Do as `remove`, and keep what is dropped in all."""
        row = replace(self._rows[stream], dropped=dropped)
        places = row.place(first), row.place(last)
        with self._writing() as execute:
            ((count, size),) = execute(
                "SELECT count(*), total(length(item)) FROM item WHERE place BETWEEN ? AND ?", places
            ).fetchall()
            if count != last - first + 1:
                raise SpoolDamagedError("an observation is not there")
            execute("DELETE FROM item WHERE place BETWEEN ? AND ?", places)
            execute(
                "UPDATE stream SET next = ?, dropped = ? WHERE id = ?",
                (row.next, json.dumps(dropped.pairs), row.id),
            )
        self._rows[stream] = row
        return int(size)

    def forget(self, stream: Stream) -> None:
        """Let go of a stream that is closed."""
        with self._writing() as execute:
            execute("DELETE FROM stream WHERE id = ?", (self._rows[stream].id,))
        del self._rows[stream]

    def notes(self) -> Mapping[str, bytes]:
        """Return all notes."""
        with self._reading():
            return dict(self._db.execute("SELECT name, value FROM note"))

    def write_notes(self, notes: Iterable[Note]) -> None:
        """Keep notes; one of the same name is replaced."""
        with self._writing() as execute:
            for note in notes:
                execute("INSERT OR REPLACE INTO note VALUES (?, ?)", note)

    def remove_notes(self, names: Iterable[str]) -> None:
        """Let go of notes."""
        with self._writing() as execute:
            for name in names:
                execute("DELETE FROM note WHERE name = ?", (name,))

    @contextmanager
    def beside(self, note: Note | None) -> Generator[None]:
        """Keep this note with whatever is added meanwhile: both or neither."""
        self._beside = note
        try:
            yield
        finally:
            self._beside = None

    def tidy(self) -> None:
        """Take the log's pages into the file, now and then: whenever there is time for an fsync."""
        if self._writes >= _WRITES_A_CHECKPOINT or self._written >= _BYTES_A_CHECKPOINT:
            self._checkpoint()
            if not self.is_troubled:
                self._ballast.keep()

    def _held(self, row: _Row) -> tuple[Ranges, int]:
        """Return what is held of a stream, and its bytes."""
        runs: list[tuple[int, int]] = []
        size = 0
        for place, length in self._db.execute(
            "SELECT place, length(item) FROM item WHERE place BETWEEN ? AND ? ORDER BY place",
            (row.place(0), row.place(2**_NUMBER_BITS - 1)),
        ):
            number = place & 2**_NUMBER_BITS - 1
            if runs and runs[-1][1] == number - 1:
                runs[-1] = runs[-1][0], number
            else:
                runs.append((number, number))
            size += length
        return Ranges(tuple(runs)), size

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            with explained(self._path, reading=True):
                yield
        except (ValueError, TypeError, MessageError) as error:
            raise SpoolDamagedError("what is kept of a stream can't be read") from error

    @contextmanager
    def _writing(self) -> Generator[Execute]:
        """Write all of it or nothing; what came before the first that could be written goes with it."""
        try:
            with explained(self._path):
                self._db.execute("BEGIN IMMEDIATE")
                if self._ordinal:
                    self._db.execute("UPDATE meta SET ordinal = ?", (self._ordinal,))
                yield self._db.execute
                self._db.execute("COMMIT")
        except SpoolFullError as full:
            self._roll_back()
            self.is_troubled, self.trouble = True, str(full)
            self.troubles += 1
            # Room for the log to go into the file; the log's own may be written over after that.
            self._ballast.give_up()
            self._checkpoint()
            raise
        except BaseException:
            self._roll_back()
            raise
        self.is_troubled, self._ordinal = False, 0
        self._writes += 1

    def _leave_room(self, size: int) -> None:
        """Refuse to grow into the last room that there is: letting go takes some, too."""
        if self._ballast.is_kept:
            return
        (free,), (pages,), (page,) = (
            self._db.execute(f"PRAGMA {name}").fetchone()
            for name in ("freelist_count", "page_count", "page_size")
        )
        if pages - free > _SMALL and free < size // page + _SPARE:
            raise SpoolFullError("database or disk is full")

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _checkpoint(self) -> None:
        self._writes = self._written = 0
        with suppress(sqlite3.Error):  # if it is worth saying, a write will say it
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _checksum(place: int, item: bytes) -> int:
    return zlib.crc32(item, place & 0xFFFF_FFFF)
