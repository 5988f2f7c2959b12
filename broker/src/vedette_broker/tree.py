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
        path = [self._root]
        for level in levels[:-1] if ends_open else levels:
            node = path[-1].below.get(level)
            if node is None:
                return
            path.append(node)
        (path[-1].under if ends_open else path[-1].here).pop(subscriber, None)
        for level, parent, node in zip(levels[len(path) - 2 :: -1], path[-2::-1], path[:0:-1], strict=True):
            if node.below or node.here or node.under:
                return
            del parent.below[level]

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
