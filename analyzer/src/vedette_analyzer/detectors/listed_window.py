"""A window whose program, or whose title, a list names."""

from collections.abc import Iterator

from vedette_schemas import Where, WindowFocused

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings

_TITLE = "what the window's title shows"
_THINGS = {Where.PROGRAM: "the program of the window", Where.TITLE: _TITLE, Where.TITLE_END: _TITLE}


class ListedWindow(Detector[WindowFocused]):
    """Looks up the window's program, and what its title says."""

    name = "listed-window"
    watches = (WindowFocused,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        """Yield what the lists say of the program, then of the title."""
        yield from findings(self.name, self._lists, observation, _THINGS, observation.title)
