"""A window whose program, or whose title, a list names."""

from collections.abc import Iterator

from vedette_indicators import Indicator, Via
from vedette_schemas import Where, WindowFocused

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings


class ListedWindow(Detector[WindowFocused]):
    """Looks up the window's program, and what its title says."""

    name = "listed-window"
    watches = (WindowFocused,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        """Yield what the lists say of the program, then of the title."""
        table, on = self._lists.table, observation.seen_at.date()
        ran: set[Indicator] = set()
        if observation.process is not None:
            matches = table.process(
                observation.process.executable, os=observation.os, sha256=observation.sha256, on=on
            )
            ran.update(match.indicator for match in matches)
            yield from findings(self.name, matches, Where.PROGRAM, "the program of the window")
        for match in table.window(observation.title, os=observation.os, on=on):
            if match.indicator in ran:
                continue  # the program itself says more than its name in the title
            where = Where.TITLE_END if match.via is Via.TITLE_END else Where.TITLE
            yield from findings(
                self.name, (match,), where, "what the window's title shows", observation.title
            )
