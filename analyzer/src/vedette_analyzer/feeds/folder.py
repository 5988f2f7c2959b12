"""The files that are kept of a feed; each is replaced by rename, so that it is the old one or the new one."""

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from vedette_indicators import COLUMNS
from vedette_indicators.formats import FeedRecord
from vedette_schemas import MessageError, decode, encode

MAX_ACCEPTED = 200


class FeedFiles:
    """Where a feed is kept: its list, its record, the content it was made of, and what is held back."""

    def __init__(self, folder: Path, name: str) -> None:
        """Name the files; none is made yet."""
        self.name = name
        self.list = folder / f"{name}.csv"
        self.record = folder / f"{name}.json"
        self.content = folder / f"{name}.content"
        self.held = folder / f"{name}.held"
        self.accepted = folder / f"{name}.accept"
        self.coming = folder / f"{name}.coming"

    def begin(self) -> bool:
        """Make an empty list where there is none, so that it can be watched; tell whether that was so."""
        self.list.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self.list.parent.glob(f"{self.name}.*.new"):
            path.unlink()
        if self.list.exists():
            return False
        with replacing(self.list) as file:
            file.write((",".join(COLUMNS) + "\n").encode())
        return True

    def read(self) -> FeedRecord | None:
        """Return what is known of it; nothing where that was never written, or can't be read."""
        try:
            return decode(FeedRecord, self.record.read_bytes())
        except (OSError, MessageError):
            return None

    def write(self, record: FeedRecord) -> None:
        """Write down what is known of it."""
        with replacing(self.record) as file:
            file.write(encode(record))

    def accepts(self) -> str:
        """Return the digest of the content that an operator accepted; empty where none."""
        try:
            with self.accepted.open("r", encoding="ascii", errors="replace") as file:
                return file.read(MAX_ACCEPTED).strip()
        except OSError:
            return ""


@contextlib.contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Write a file beside `path` that takes its place when all of it is on the disk, and else is gone."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
