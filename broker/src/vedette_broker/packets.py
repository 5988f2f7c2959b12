"""MQTT packets out of a stream of bytes and into one. The coding is amqtt's; what bounds it is here."""

import struct
from typing import Any, NamedTuple

from amqtt.adapters import ReaderAdapter
from amqtt.errors import AMQTTError, MQTTError, NoDataError
from amqtt.mqtt import packet_class
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import PUBLISH, PUBREL, SUBSCRIBE, UNSUBSCRIBE, MQTTFixedHeader, MQTTPacket
from amqtt.mqtt.publish import PublishPacket
from vedette_schemas import VedetteError

Packet = MQTTPacket[Any, Any, Any]

MAX_PACKET = 512 * 1024
"""Bytes of a packet: twice the largest payload of ours."""

MAX_CONNECT = 80 * 1024
"""Bytes of a CONNECT, whose last will is the largest part, at most 64 KiB."""

_FLAGS = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}
_HOLD_TEXT = frozenset({PUBLISH, SUBSCRIBE, UNSUBSCRIBE})
_LENGTH_BYTES = 4
_MORE = 0x80
_MAX_QOS = 2


class MalformedError(VedetteError):
    """What a client sent is not MQTT 3.1.1, or too large."""


class Framer:
    """Cuts what a client sends into packets."""

    def __init__(self) -> None:
        """Begin with a CONNECT to come."""
        self.limit = MAX_CONNECT
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        self._buffer += data

    def next(self) -> Packet | None:
        """Return the next packet, `None` if it is not all here; raise `MalformedError`."""
        buffer = self._buffer
        length = shift = 0
        for place in range(1, min(len(buffer), 1 + _LENGTH_BYTES)):
            length |= (buffer[place] & ~_MORE) << shift
            shift += 7
            if not buffer[place] & _MORE:
                start = place + 1
                break
        else:
            if len(buffer) > _LENGTH_BYTES:
                raise MalformedError("a length of more than four bytes")
            return None
        if length > self.limit:
            raise MalformedError(f"a packet of {length} bytes, where {self.limit} are the most")
        if len(buffer) < start + length:
            return None
        header = MQTTFixedHeader(buffer[0] >> 4, buffer[0] & 0x0F, length)
        body = bytes(memoryview(buffer)[start : start + length])
        del buffer[: start + length]
        return _decode(header, body)


class _Body(ReaderAdapter):
    """A packet's bytes, all here: amqtt's coroutines never wait for them, nor read beyond them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    async def read(self, n: int = -1) -> bytes:
        start, self._at = self._at, len(self._data) if n < 0 else min(self._at + n, len(self._data))
        return self._data[start : self._at]

    def feed_eof(self) -> None:
        pass

    @property
    def is_read(self) -> bool:
        return self._at == len(self._data)


def _decode(header: MQTTFixedHeader, body: bytes) -> Packet:
    if header.packet_type != PUBLISH and header.flags != _FLAGS.get(header.packet_type, 0):
        raise MalformedError(f"a packet of type {header.packet_type} with flags that are reserved")
    reader, whole = _Body(body), len(header.to_bytes()) + len(body)
    try:
        packet = _run(header, reader)
    except (AMQTTError, MQTTError, NoDataError, ValueError, TypeError, struct.error) as error:
        raise MalformedError(f"a packet of type {header.packet_type}: {type(error).__name__}") from None
    # amqtt reads text that is not UTF-8 as the repr of its bytes: what it would write is longer then.
    if header.packet_type in _HOLD_TEXT and len(packet.to_bytes()) != whole:
        raise MalformedError(f"a packet of type {header.packet_type} with text that is not UTF-8")
    if not reader.is_read:
        raise MalformedError(f"a packet of type {header.packet_type} with more than belongs into it")
    return packet


def _run(header: MQTTFixedHeader, reader: _Body) -> Packet:
    decoding = packet_class(header).from_stream(reader, fixed_header=header)
    try:
        decoding.send(None)
    except StopIteration as done:
        packet: Packet = done.value
        return packet
    raise MalformedError("a packet that is not whole")


class Message(NamedTuple):
    """A message on its way. It is coded once, however many it goes to."""

    at_most_once: bytes
    """The whole packet at QoS 0."""
    head: bytes
    """The packet at QoS 1 up to its id, which differs from client to client."""
    payload: bytes

    @classmethod
    def of(cls, topic: str, payload: bytes) -> "Message":
        """Code a message."""
        coded = PublishPacket.build(topic, payload, 0, False, 1, False).to_bytes()  # noqa: FBT003
        plain = PublishPacket.build(topic, payload, None, False, 0, False).to_bytes()  # noqa: FBT003
        return cls(plain, coded[: len(coded) - len(payload) - 2], payload)

    def at_least_once(self, packet_id: int) -> bytes:
        """Return the packet at QoS 1."""
        return b"".join((self.head, packet_id.to_bytes(2, "big"), self.payload))

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.at_most_once)


class Will(NamedTuple):
    """What is published when a client goes without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int


def read_will(packet: ConnectPacket) -> Will | None:
    """Return the last will of a CONNECT, if it has one; raise `MalformedError`."""
    header, payload = packet.variable_header, packet.payload
    if header is None or payload is None or header.reserved_flag or header.will_qos > _MAX_QOS:
        raise MalformedError("a CONNECT with flags that are reserved")
    if not header.will_flag:
        if header.will_qos or header.will_retain_flag:
            raise MalformedError("a CONNECT with half a last will")
        return None
    if payload.will_topic is None or payload.will_message is None:
        raise MalformedError("a CONNECT without the last will that it announces")
    return Will(payload.will_topic, bytes(payload.will_message), header.will_qos)


def id_of(packet: Packet) -> int:
    """Return the id of a packet that has to have one; raise `MalformedError` if it is 0."""
    packet_id = int(packet.variable_header.packet_id) if packet.variable_header else 0
    if not packet_id:
        raise MalformedError("a packet with the id 0")
    return packet_id
