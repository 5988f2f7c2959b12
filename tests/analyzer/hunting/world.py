"""An archive with observations, and lists that change."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from vedette_analyzer.hunting.__main__ import hunt
from vedette_analyzer.hunting.generations import Generations, Source
from vedette_analyzer.hunting.said import Ended, Hit, Progress
from vedette_archive import Batch, Run, Writer
from vedette_schemas import Observation, Stream, encode

from tests.analyzer.lists import HEADER
from tests.messages import NOON, SPOOL


def text(*rows: str) -> bytes:
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def source(*rows: str, name: str = "blocklist.csv") -> Source:
    content = text(*rows)
    return Source(name, hashlib.blake2b(content).hexdigest(), content)


def batch(observations: Iterable[Observation], host: str = "host-7", first: int = 1) -> Batch:
    """Return observations of one kind as the next ones of a host's stream."""
    items = tuple(observations)
    stream = Stream(f"sensor@{host}", SPOOL, items[0].kind)
    body = b",".join(encode(item) for item in items).decode()
    return Batch(runs=(Run(stream, first, len(items), NOON, f"[{body}]"),))


class Site:
    """An archive, and beside it the lists that were hunted for."""

    def __init__(self, folder: Path) -> None:
        self.archive = folder / "archive.db"
        self.generations = Generations(folder / "hunting")
        self.writer = Writer(self.archive)
        self.said: list[Hit | Progress] = []

    def listed(self, *rows: str) -> int | None:
        return self.generations.write([source(*rows)])

    def seen(self, *observations: Observation, host: str = "host-7", first: int = 1) -> None:
        self.writer.store(batch(observations, host, first))

    def hunt(self, wanted: int) -> Ended:
        """Hunt for a generation in this process; what it says is in `said`."""
        known = self.generations.begin(wanted)
        assert known is not None
        return hunt(self.archive, self.generations.folder, known, wanted, self.said.append)

    @property
    def hits(self) -> list[Hit]:
        return [said for said in self.said if isinstance(said, Hit)]
