"""Who is connected and who is sent what; who may do what is asked of `vedette_schemas.access`."""

import asyncio
import logging
import time

from vedette_schemas import MessageError, Principal
from vedette_schemas.access import is_filter, may_publish, may_subscribe
from vedette_transport.revocation import Revocations

from .admission import Admission
from .connection import Connection
from .grievances import Grievances
from .packets import Message, Will
from .tls import Peer
from .tree import TopicTree

log = logging.getLogger(__name__)

_SHOWN = 100


class Switchboard:
    """The connections and their subscriptions. All of it happens in the loop's one thread."""

    def __init__(
        self, admission: Admission, grievances: Grievances, *, plain: bool, revocations: Revocations | None
    ) -> None:
        """Begin without clients. Where all is `plain` nobody's name is proven, and all may do anything."""
        self.admission, self.grievances = admission, grievances
        self._plain, self._revocations = plain, revocations
        self._connections: set[Connection] = set()
        self._by_name: dict[str, Connection] = {}
        self._principals: dict[Connection, Principal] = {}
        self._tree: TopicTree[Connection] = TopicTree()

    def add(self, connection: Connection) -> None:
        """Know of a connection, from its first moment."""
        self._connections.add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._connections.discard(connection)

    def refusal(self, connection: Connection, name: str, will: Will | None) -> str:
        """Return why `connection` may not be `name` or leave that will, `""` if it may. Changes nothing."""
        if self._plain:
            return "" if will is None or _is_topic(will.topic) else "a last will without a topic"
        if refusal := self._doubt(connection.peer, name):
            return refusal
        try:
            principal = Principal.parse(name)
        except MessageError:
            return "its certificate names no principal"
        if will is not None and not may_publish(principal, will.topic):
            return f"a last will under {will.topic[:_SHOWN]!a}"
        return ""

    def _doubt(self, peer: Peer | None, name: str) -> str:
        if peer is None or peer.name != name:
            return f"it calls itself {name[:_SHOWN]!a}, its certificate does not"
        if self._revocations is not None and peer.serial in self._revocations.serials:
            return "its certificate is revoked"
        if time.time() >= peer.ends:  # TLS has looked, but not again where it resumed a session
            return "its certificate has expired"
        return ""

    def join(self, connection: Connection) -> None:
        """Take a connection in that nothing is refused to; an older one of the same name ends."""
        if (older := self._by_name.get(connection.name)) is not None:
            older.end(f"taken over by a connection from {connection.address}")
        self._by_name[connection.name] = connection
        if not self._plain:
            self._principals[connection] = Principal.parse(connection.name)

    def leave(self, connection: Connection) -> None:
        """Let a connection go that had joined, and publish its last will if it still has one."""
        if self._by_name.get(connection.name) is connection:
            del self._by_name[connection.name]
        self._principals.pop(connection, None)
        for topic_filter in connection.filters:
            self._tree.remove(topic_filter, connection)
        connection.filters.clear()
        if (will := connection.will) is not None:
            connection.will = None
            self._route(will.topic, will.payload, will.qos)

    def take(
        self, connection: Connection, topic: str, payload: bytes, qos: int, *, is_retained: bool
    ) -> None:
        """Take a message from a client; what it may not publish is dropped, and said in the log."""
        if is_retained:
            self.grievances.say(connection.describe(), "refused a message to be retained")
        elif not self._may_publish(connection, topic):
            self.grievances.say(connection.describe(), "refused a message", f"under {topic[:_SHOWN]!a}")
        else:
            self._route(topic, payload, qos)

    def subscribe(self, connection: Connection, topic_filter: str, qos: int) -> bool:
        """Subscribe a client, if it may read all that the filter matches."""
        principal = self._principals.get(connection)
        if not (
            may_subscribe(principal, topic_filter) if principal else self._plain and is_filter(topic_filter)
        ):
            what = f"to {topic_filter[:_SHOWN]!a}"
            self.grievances.say(connection.describe(), "refused a subscription", what)
            return False
        connection.filters.add(topic_filter)
        self._tree.add(topic_filter, connection, qos)
        return True

    def unsubscribe(self, connection: Connection, topic_filter: str) -> None:
        """Undo a subscription, if there is one."""
        if topic_filter in connection.filters:
            connection.filters.discard(topic_filter)
            self._tree.remove(topic_filter, connection)

    def look_after(self) -> None:
        """See, each second, to those who are silent, revoked or expired."""
        now = asyncio.get_running_loop().time()
        if self._revocations is not None and self._revocations.refresh():
            log.info("%d certificates are revoked", len(self._revocations.serials))
        revoked = self._revocations.serials if self._revocations else frozenset[int]()
        for connection in tuple(self._connections):
            connection.check(now, revoked)

    def close(self) -> None:
        """End all connections; no last will is published, since nobody is left to read it."""
        for connection in tuple(self._connections):
            connection.will = None
            connection.end("")

    def _may_publish(self, connection: Connection, topic: str) -> bool:
        principal = self._principals.get(connection)
        return may_publish(principal, topic) if principal else self._plain and _is_topic(topic)

    def _route(self, topic: str, payload: bytes, qos: int) -> None:
        subscribers = self._tree.find(topic)
        if subscribers:
            message = Message.of(topic, payload)
            for connection, wanted in subscribers.items():
                connection.deliver(message, min(qos, wanted))


def _is_topic(text: str) -> bool:
    """Tell whether it can be a topic of a client's; those of `$` are the broker's own."""
    return text != "" and not text.startswith("$") and not set(text) & {"+", "#", "\0"}
