"""The lists as the archive was last searched for, and as they are now: what differs is still to be hunted."""

import logging
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

log = logging.getLogger(__name__)

_FACTS = "lists.json"
_KEPT: TypeAdapter[tuple[tuple[str, str, bool], ...]] = TypeAdapter(tuple[tuple[str, str, bool], ...])


class Source(NamedTuple):
    """A list that is in force: all of it, or the file where it is compiled. `digest` is of its text."""

    name: str
    digest: str
    content: bytes | Path


class KeptList(NamedTuple):
    """A list of a generation, in `file`."""

    name: str
    digest: str
    file: Path
    is_compiled: bool


class Generations:
    """A folder for each reading of the lists that matters: what the oldest hold was hunted for.

    A folder is complete, or not there: who is killed leaves what is to be hunted as it was. One thread
    writes, another one hunts.
    """

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is on the file system of the compiled lists."""
        self.folder, self._lock = folder, threading.Lock()
        self._hunted: int | None = None

    def write(self, sources: Sequence[Source]) -> int | None:
        """Keep the lists that are in force from now on; return what to hunt for them as, if they are new.

        The first that are ever kept are not hunted for. Others that no hunt has begun for give way.
        """
        with self._lock:
            try:
                return self._write(sources)
            except (OSError, ValueError) as error:
                log.error("what is listed now can't be searched for: %s", error)  # noqa: TRY400
                shutil.rmtree(self.folder, ignore_errors=True)
                return None

    def begin(self, number: int) -> int | None:
        """Begin a hunt for a generation; return the one that was hunted for before, `None` if others are."""
        with self._lock:
            numbers = self._numbers()
            if number not in numbers[1:]:
                return None
            self._hunted = number
            return numbers[0]

    def settle(self, number: int) -> None:
        """Take note that all was hunted for what these lists hold."""
        with self._lock:
            self._hunted = None
            self._remove(each for each in self._numbers() if each < number)

    def lists(self, number: int) -> list[KeptList]:
        """Return the lists of a generation; raise `OSError` or `ValueError` where they can't be read."""
        folder = self.folder / str(number)
        return [
            KeptList(name, digest, folder / str(place), is_compiled)
            for place, (name, digest, is_compiled) in enumerate(
                _KEPT.validate_json((folder / _FACTS).read_bytes())
            )
        ]

    def _write(self, sources: Sequence[Source]) -> int | None:
        numbers = self._numbers()
        said = [(source.name, source.digest) for source in sources]
        if numbers and [(each.name, each.digest) for each in self.lists(numbers[-1])] == said:
            return numbers[-1] if len(numbers) > 1 else None
        number = numbers[-1] + 1 if numbers else 1
        self._make(number, sources)
        self._remove(each for each in numbers[1:] if each != self._hunted)
        return number if numbers else None

    def _remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            shutil.rmtree(self.folder / str(number), ignore_errors=True)

    def _make(self, number: int, sources: Sequence[Source]) -> None:
        new = self.folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        for place, source in enumerate(sources):
            if isinstance(source.content, bytes):
                (new / str(place)).write_bytes(source.content)
            else:
                _link(source.content, new / str(place))
        facts = tuple((each.name, each.digest, isinstance(each.content, Path)) for each in sources)
        (new / _FACTS).write_bytes(_KEPT.dump_json(facts))
        new.rename(self.folder / str(number))

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())


def _link(file: Path, target: Path) -> None:
    """Keep a compiled list, which is only ever replaced by another file."""
    try:
        os.link(file, target)
    except OSError:
        shutil.copyfile(file, target)
