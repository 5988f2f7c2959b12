"""A program whose contents a list names, where its name said nothing."""

from collections.abc import Iterator

from vedette_indicators import IndicatorType
from vedette_schemas import ProgramHashed, Where

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings


class ListedHash(Detector[ProgramHashed]):
    """Looks up a program's hash; its name and path were looked up when it was first seen."""

    name = "listed-hash"
    watches = (ProgramHashed,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: ProgramHashed) -> Iterator[Finding]:
        """Yield what the lists say of the contents, unless they allow the program."""
        matches = self._lists.table.process(
            observation.process.executable,
            os=observation.os,
            sha256=observation.sha256,
            on=observation.seen_at.date(),
        )
        by_hash = (match for match in matches if match.indicator.type is IndicatorType.HASH)
        yield from findings(self.name, by_hash, Where.PROGRAM, "the program's contents")
