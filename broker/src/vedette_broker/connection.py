"""One client's connection: reads its packets, holds it to MQTT 3.1.1 and to what it may do."""

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, cast

from amqtt.mqtt.connack import (
    CONNECTION_ACCEPTED,
    IDENTIFIER_REJECTED,
    NOT_AUTHORIZED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.pingresp import PingRespPacket
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsuback import UnsubackPacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket

from .outgoing import Outgoing
from .packets import MAX_PACKET, Framer, MalformedError, Message, Packet, Will, id_of, read_will
from .tls import Peer, read_peer

if TYPE_CHECKING:
    from .switchboard import Switchboard

CONNECT_SECONDS = 5.0
"""How long a connection may take to say who it is, and one that is closed to go."""

MAX_FILTERS = 200
"""Subscriptions of one client."""

_AT_ONCE = 64
_KEEP_ALIVE_FACTOR = 1.5
_HIGHEST_QOS = 1
_REFUSED = 0x80
_MAX_FILTER = 1_024
_MAX_RECEIVED = 1_000
_SHOWN = 100


class Connection(asyncio.Protocol):
    """Is pending until its CONNECT is taken; then it has a `name` that no other has."""

    def __init__(self, switchboard: "Switchboard", address: str) -> None:
        """Set up for a connection from `address`, which the admission has counted."""
        self.address = address
        self.name = ""
        self.peer: Peer | None = None
        self.will: Will | None = None
        self.filters: set[str] = set()
        self._switchboard = switchboard
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._outgoing: Outgoing | None = None
        self._received: set[int] = set()  # ids at QoS 2 that are not released
        self._heard, self._patience = self._loop.time(), CONNECT_SECONDS
        self._is_counted = self._is_pending = True
        self._is_busy = self._is_over = False

    # What asyncio tells us.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a CONNECT."""
        self._transport = cast("asyncio.Transport", transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        self.peer = read_peer(tls) if tls else None
        self._outgoing = Outgoing(self._transport, self.end)
        self._heard = self._loop.time()
        self._switchboard.add(self)

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if not self._is_over:
            self._framer.feed(data)
            if not self._is_busy:
                self._handle_some()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's)
        """Note that it is gone."""
        self.end("")
        self.never_was()
        self._switchboard.remove(self)

    # What others ask of us.

    def never_was(self) -> None:
        """Give the connection back to the admission."""
        if self._is_counted:
            self._no_longer_pending()
            self._is_counted = False
            self._switchboard.admission.gone()

    def deliver(self, message: Message, qos: int) -> None:
        """Send a message."""
        if self._outgoing is not None and not self._is_over:
            self._outgoing.deliver(message, qos)

    def end(self, why: str) -> None:
        """End the connection at once, saying why in the log if there is a reason to give."""
        if self._is_over:
            return
        self._leave(why)
        if self._transport is not None:
            self._transport.abort()

    def check(self, now: float, revoked: frozenset[int]) -> None:
        """End a connection that is silent for too long, or whose certificate is valid no more."""
        if now - self._heard > self._patience:
            if self._is_over and self._transport is not None:
                self._transport.abort()
            self.end("cut off: it says nothing" if self.name else "refused: it does not say who it is")
        elif self.peer is not None and self.peer.serial in revoked:
            self.end("cut off: its certificate is revoked")
        elif self.peer is not None and time.time() >= self.peer.ends:
            self.end("cut off: its certificate has expired")

    def describe(self) -> str:
        """Return who it is, as far as that is proven, and where."""
        name = self.name or (self.peer.name if self.peer else "")
        # Escaped: without TLS a name is any text at all.
        return f"{ascii(name[:_SHOWN])[1:-1]} from {self.address}" if name else self.address

    # What the client asks.

    def _handle_some(self) -> None:
        """Handle some packets; the rest waits for its next turn, so that a flood delays nobody else."""
        transport = cast("asyncio.Transport", self._transport)
        try:
            for _ in range(_AT_ONCE):
                packet = self._framer.next()
                if packet is None:
                    if self._is_busy:
                        self._is_busy = False
                        transport.resume_reading()
                    return
                self._handle(packet)
                if self._is_over:
                    return
        except MalformedError as error:
            self.end(f"cut off: {error}" if self.name else f"refused: {error}")
            return
        if not self._is_busy:
            self._is_busy = True
            transport.pause_reading()
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self._is_over:
            self._handle_some()

    def _handle(self, packet: Packet) -> None:
        if isinstance(packet, ConnectPacket) == bool(self.name):
            raise MalformedError("a CONNECT missing, or a second")
        match packet:
            case PublishPacket():
                self._publish(packet)
            case PubackPacket():
                cast("Outgoing", self._outgoing).acknowledged(id_of(packet))
            case PingReqPacket():
                self._send(PingRespPacket.build())
            case PubrelPacket():
                self._received.discard(id_of(packet))
                self._send(PubcompPacket.build(id_of(packet)))
            case SubscribePacket():
                self._subscribe(packet)
            case UnsubscribePacket():
                self._unsubscribe(packet)
            case ConnectPacket():
                self._connect(packet)
            case DisconnectPacket():
                self.will = None
                self._close("")
            case _:
                raise MalformedError("a packet that only a broker sends")
        self._heard = self._loop.time()

    def _connect(self, packet: ConnectPacket) -> None:
        header, payload = packet.variable_header, packet.payload
        if header is None or payload is None or header.proto_name != "MQTT" or header.proto_level != 4:  # noqa: PLR2004
            return self._refuse(UNACCEPTABLE_PROTOCOL_VERSION, "it does not speak MQTT 3.1.1")
        if payload.client_id_is_random and not header.clean_session_flag:
            return self._refuse(IDENTIFIER_REJECTED, "a session to be kept, of a client without a name")
        self.will = read_will(packet)
        refusal = "its last will is to be retained" if header.will_retain_flag else ""
        if refusal := refusal or self._switchboard.refusal(self, str(payload.client_id), self.will):
            return self._refuse(NOT_AUTHORIZED, refusal)
        self.name = str(payload.client_id)
        self._no_longer_pending()
        self._framer.limit = MAX_PACKET
        self._patience = header.keep_alive * _KEEP_ALIVE_FACTOR if header.keep_alive else float("inf")
        self._switchboard.join(self)
        # A session that was to be kept is none the less new and ends with its connection: "present" is 0.
        return self._send(ConnackPacket.build(0, CONNECTION_ACCEPTED))

    def _publish(self, packet: PublishPacket) -> None:
        topic, payload, qos = str(packet.topic_name), packet.data or b"", packet.qos or 0
        packet_id = packet.packet_id or 0
        if not topic or "\0" in topic or qos > 2 or (qos and not packet_id):  # noqa: PLR2004
            raise MalformedError("a message without a topic or an id")
        if packet_id not in self._received:
            self._switchboard.take(self, topic, payload, qos, is_retained=packet.retain_flag)
        if qos == 1:
            self._send(PubackPacket.build(packet_id))
        elif qos:
            self._received.add(packet_id)
            if len(self._received) > _MAX_RECEIVED:
                raise MalformedError("too many messages at QoS 2 that are not released")
            self._send(PubrecPacket.build(packet_id))

    def _subscribe(self, packet: SubscribePacket) -> None:
        wanted = packet.payload.topics if packet.payload else []
        if not wanted or any(qos > 2 for _, qos in wanted):  # noqa: PLR2004
            raise MalformedError("a SUBSCRIBE for nothing, or with a QoS that there is not")
        granted = [self._grant(topic_filter, min(qos, _HIGHEST_QOS)) for topic_filter, qos in wanted]
        self._send(SubackPacket.build(id_of(packet), granted))

    def _grant(self, topic_filter: str, qos: int) -> int:
        if len(topic_filter) > _MAX_FILTER or len(self.filters | {topic_filter}) > MAX_FILTERS:
            return _REFUSED
        return qos if self._switchboard.subscribe(self, topic_filter, qos) else _REFUSED

    def _unsubscribe(self, packet: UnsubscribePacket) -> None:
        filters = packet.payload.topics if packet.payload else []
        if not filters:
            raise MalformedError("an UNSUBSCRIBE from nothing")
        for topic_filter in filters:
            self._switchboard.unsubscribe(self, topic_filter)
        self._send(UnsubackPacket.build(id_of(packet)))

    # How it ends.

    def _refuse(self, code: int, why: str) -> None:
        """Answer a CONNECT with a refusal: nothing but this connection is touched."""
        self.will = None
        self._send(ConnackPacket.build(0, code))
        self._close(f"refused: {why}")

    def _close(self, why: str) -> None:
        """End the connection once what was sent is read; `check` sees to those who don't."""
        cast("Outgoing", self._outgoing).flush()
        self._leave(why)
        self._heard, self._patience = self._loop.time(), CONNECT_SECONDS
        cast("asyncio.Transport", self._transport).close()

    def _leave(self, why: str) -> None:
        self._is_over = True
        if why:
            self._switchboard.grievances.say(self.describe(), why)
        if self.name:
            self._switchboard.leave(self)

    def _no_longer_pending(self) -> None:
        if self._is_pending:
            self._is_pending = False
            self._switchboard.admission.known(self.address)

    def _send(self, packet: Packet) -> None:
        cast("Outgoing", self._outgoing).send(packet.to_bytes())
