"""Copied text that holds what a list names."""

from collections.abc import Iterator

from vedette_schemas import ClipboardCopied, Where

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings

_THINGS = {Where.TEXT: "what was copied"}


class ListedClipboard(Detector[ClipboardCopied]):
    """Looks up the URLs, hosts, addresses, hashes and phrases of a copied text."""

    name = "listed-clipboard"
    watches = (ClipboardCopied,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: ClipboardCopied) -> Iterator[Finding]:
        """Yield what the lists say of the text."""
        yield from findings(self.name, self._lists, observation, _THINGS, observation.text)
