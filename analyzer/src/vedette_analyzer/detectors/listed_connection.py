"""A connection to where a list says nobody should go."""

from collections.abc import Iterator

from vedette_schemas import ConnectionOpened, Where

from ..finding import Finding
from .detector import Detector
from .lists import Lists, findings

_THINGS = {Where.ADDRESS: "where a program connected to"}


class ListedConnection(Detector[ConnectionOpened]):
    """Looks up the address, the address with its port, the network and the host's name."""

    name = "listed-connection"
    watches = (ConnectionOpened,)

    def __init__(self, lists: Lists) -> None:
        """Look in these lists."""
        self._lists = lists

    def inspect(self, observation: ConnectionOpened) -> Iterator[Finding]:
        """Yield what the lists say of the other end."""
        yield from findings(self.name, self._lists, observation, _THINGS)
