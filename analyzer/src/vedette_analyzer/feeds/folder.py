"""The files that are kept of a feed; each is replaced by rename, so that it is the old one or the new one."""

import contextlib
import fcntl
import os
import time
from collections.abc import Collection, Generator
from pathlib import Path
from typing import BinaryIO

from vedette_indicators import COLUMNS
from vedette_indicators.formats import FeedRecord
from vedette_schemas import MessageError, SettingsError, decode, encode

MAX_ACCEPTED = 200
LOCK_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_HEADER = (",".join(COLUMNS) + "\n").encode()


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

    def begin(self) -> None:
        """Make an empty list where there is none, so that it can be watched."""
        self.list.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.list.exists():
            self.clear()

    def clear(self) -> None:
        """Make the list one without entries."""
        with replacing(self.list) as file:
            file.write(_HEADER)

    @property
    def is_empty(self) -> bool:
        """Tell whether the list has no entries."""
        return self.list.stat().st_size <= len(_HEADER)

    def forget(self) -> None:
        """Delete what is kept of it; the list has no entries any more, where an analyzer still watches it."""
        self.clear()
        for path in (self.record, self.content, self.held, self.accepted, self.coming):
            path.unlink(missing_ok=True)

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


def tidy(folder: Path, names: Collection[str]) -> None:
    """Delete what was left half written, and what is kept of feeds that are not among `names` any more."""
    for path in folder.glob("*.new"):
        path.unlink(missing_ok=True)
    for path in folder.glob("*.json"):
        files = FeedFiles(folder, path.stem)
        if path.stem not in names and files.read() is not None:
            files.forget()


def lock(folder: Path) -> int:
    """Keep others from writing there until we end; raise `SettingsError` where one does, and goes on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + LOCK_SECONDS  # one whose analyzer was killed ends by itself
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise SettingsError(f"{folder}: another process keeps feeds there; end it first") from None
            time.sleep(_LOOK_SECONDS)
        else:
            return descriptor


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
