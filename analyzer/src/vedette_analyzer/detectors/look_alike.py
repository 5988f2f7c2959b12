"""A host whose name is easily taken for one that the operator protects."""

from collections.abc import Iterable, Iterator

from vedette_indicators import hosts_in
from vedette_schemas import ClipboardCopied, ConnectionOpened, Severity, Where, WindowFocused

from ..finding import Finding
from .detector import Detector
from .lists import Lists

_TECHNIQUE = "T1566.002"


class LookAlikeWindow(Detector[WindowFocused]):
    """Looks at the hosts that a window's title names."""

    name = "look-alike-window"
    watches = (WindowFocused,)

    def __init__(self, lists: Lists) -> None:
        """Compare with what these protect."""
        self._lists = lists

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        """Yield the first host that looks like another."""
        if self._lists.look_alikes:
            yield from _first(self._lists, self.name, hosts_in(observation.title), Where.TITLE)


class LookAlikeText(Detector[ClipboardCopied]):
    """Looks at the hosts that a copied text names."""

    name = "look-alike-text"
    watches = (ClipboardCopied,)

    def __init__(self, lists: Lists) -> None:
        """Compare with what these protect."""
        self._lists = lists

    def inspect(self, observation: ClipboardCopied) -> Iterator[Finding]:
        """Yield the first host that looks like another."""
        if self._lists.look_alikes:
            yield from _first(self._lists, self.name, hosts_in(observation.text), Where.TEXT)


class LookAlikeConnection(Detector[ConnectionOpened]):
    """Looks at the host that a connection was meant for."""

    name = "look-alike-connection"
    watches = (ConnectionOpened,)

    def __init__(self, lists: Lists) -> None:
        """Compare with what these protect."""
        self._lists = lists

    def inspect(self, observation: ConnectionOpened) -> Iterator[Finding]:
        """Yield the host if it looks like another."""
        if self._lists.look_alikes and observation.host is not None:
            yield from _first(self._lists, self.name, hosts_in(observation.host), Where.ADDRESS)


def _first(lists: Lists, detector: str, hosts: Iterable[str], where: Where) -> Iterator[Finding]:
    for host in hosts:
        protected = lists.look_alikes.of(host)
        if protected is not None:
            yield Finding(
                detector=detector,
                severity=Severity.HIGH,
                summary=f"{host} looks like {protected} and is another",
                technique=_TECHNIQUE,
                where=where,
            )
            return
