"""A program whose contents a list names, where its name said nothing."""

from collections.abc import Iterator

from vedette_schemas import ProgramHashed, Where

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings

_THINGS = {Where.PROGRAM: "the program's contents"}


class ListedHash(Detector[ProgramHashed]):
    """Looks up a program's hash; its name and path were looked up when it was first seen."""

    name = "listed-hash"
    watches = (ProgramHashed,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: ProgramHashed) -> Iterator[Finding]:
        """Yield what the lists say of the contents, unless they allow the program."""
        yield from findings(self.name, self._lists, observation, _THINGS)
