"""A running program that a list names."""

from collections.abc import Iterator

from vedette_schemas import ProcessStarted, Where

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings

_THINGS = {Where.PROGRAM: "the program"}


class ListedProcess(Detector[ProcessStarted]):
    """Looks up a program by name, path and hash."""

    name = "listed-process"
    watches = (ProcessStarted,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: ProcessStarted) -> Iterator[Finding]:
        """Yield what the lists say of the program."""
        yield from findings(self.name, self._lists, observation, _THINGS)
