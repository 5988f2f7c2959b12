"""Who subscribed to what, found level by level: the time does not grow with the number of subscriptions."""

from typing import Generic, TypeVar

_S = TypeVar("_S")


class _Node(Generic[_S]):
    __slots__ = ("below", "here", "under")

    def __init__(self) -> None:
        self.below: dict[str, _Node[_S]] = {}
        self.here: dict[_S, int] = {}  # their filter ends at this level
        self.under: dict[_S, int] = {}  # their filter ends with # here


class TopicTree(Generic[_S]):
    """Subscribers by topic filter, each with the QoS that it asked for."""

    def __init__(self) -> None:
        """Begin without any."""
        self._root: _Node[_S] = _Node()

    @property
    def is_empty(self) -> bool:
        """Whether nobody is subscribed, and nothing is kept for who was."""
        return not (self._root.below or self._root.here or self._root.under)

    def add(self, topic_filter: str, subscriber: _S, qos: int) -> None:
        """Subscribe; what was asked for under the same filter before is replaced."""
        node = self._root
        levels = topic_filter.split("/")
        ends_open = levels[-1] == "#"
        for level in levels[:-1] if ends_open else levels:
            node = node.below.setdefault(level, _Node())
        (node.under if ends_open else node.here)[subscriber] = qos

    def remove(self, topic_filter: str, subscriber: _S) -> None:
        """Unsubscribe, if it was subscribed; branches that nobody needs are cut."""
        levels = topic_filter.split("/")
        ends_open = levels[-1] == "#"
        node, path = self._root, list[tuple[_Node[_S], str]]()
        for level in levels[:-1] if ends_open else levels:
            path.append((node, level))
            if (below := node.below.get(level)) is None:
                return
            node = below
        (node.under if ends_open else node.here).pop(subscriber, None)
        while path and not (node.below or node.here or node.under):
            node, level = path.pop()
            del node.below[level]

    def find(self, topic: str) -> dict[_S, int]:
        """Return the subscribers of a topic, each once, with the highest QoS of those that match."""
        nodes, found = [self._root], dict(self._root.under)
        for level in topic.split("/"):
            nodes = [
                child for node in nodes for key in (level, "+") if (child := node.below.get(key)) is not None
            ]
            if not nodes:
                return found
            for node in nodes:
                _add(found, node.under)
        for node in nodes:
            _add(found, node.here)
        return found


def _add(found: dict[_S, int], more: dict[_S, int]) -> None:
    for subscriber, qos in more.items():
        if found.get(subscriber, -1) < qos:
            found[subscriber] = qos
