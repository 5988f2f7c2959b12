import random

import pytest
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.publish import PublishPacket
from hypothesis import given
from hypothesis import strategies as st
from vedette_broker.packets import MAX_PACKET, Framer, MalformedError, Message, Packet, Will, read_will

CONNECT = bytes.fromhex("100d 0004 4d515454 04 02 003c 0001 78")


def framer(data: bytes = b"") -> Framer:
    fresh = Framer()
    fresh.limit = MAX_PACKET
    fresh.feed(data)
    return fresh


def all_of(source: Framer) -> list[Packet]:
    packets: list[Packet] = []
    while (packet := source.next()) is not None:
        packets.append(packet)
    return packets


@given(
    st.lists(
        st.tuples(
            st.from_regex("[a-z/]{1,20}", fullmatch=True), st.binary(max_size=300), st.integers(1, 65_535)
        )
    ),
    st.data(),
)
def test_packets_come_out_as_they_went_in_however_they_are_cut(
    messages: list[tuple[str, bytes, int]], data: st.DataObject
) -> None:
    stream = b"".join(Message.of(topic, payload).at_least_once(number) for topic, payload, number in messages)
    fresh, found = framer(), list[Packet]()
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        fresh.feed(stream[:cut])
        stream = stream[cut:]
        found += all_of(fresh)
    assert [
        (each.topic_name, each.data, each.packet_id) for each in found if isinstance(each, PublishPacket)
    ] == messages


@given(st.from_regex("[a-z/]{1,20}", fullmatch=True), st.binary(max_size=300))
def test_a_message_at_qos_0_has_no_id(topic: str, payload: bytes) -> None:
    (packet,) = all_of(framer(Message.of(topic, payload).at_most_once))
    assert isinstance(packet, PublishPacket)
    assert (packet.topic_name, packet.data, packet.qos, packet.packet_id) == (topic, payload, 0, None)


@pytest.mark.parametrize(
    "garbage",
    [
        "30 ff ff ff 7f",  # 256 MB
        "10 ff ff ff ff 01",  # a length without an end
        "00 00",
        "f0 00",
        "30 02 00 09",  # a topic that is longer than the packet
        "30 05 00 01 23 78 78",  # under '#'
        "30 04 00 02 ff fe",  # not UTF-8
        "32 03 00 01 61",  # QoS 1 without an id
        "36 05 00 01 61 00 01",  # QoS 3
        "80 06 00 01 00 01 61 00",  # SUBSCRIBE with flags 0
        "82 02 00 01",  # SUBSCRIBE for nothing
        "c0 01 00",  # PINGREQ with a body
        "10 0e 0004 4d515454 04 02 003c 0001 78 79",  # CONNECT with more than belongs into it
        "10 08 0004 4d515454 04 02",  # half a CONNECT
    ],
)
def test_what_is_not_mqtt_is_malformed_or_nothing_at_all(garbage: str) -> None:
    try:
        packets = all_of(framer(bytes.fromhex(garbage)))
    except MalformedError:
        return
    assert garbage.startswith(("36", "82 02"))  # these are told by what they say, when they are handled
    assert len(packets) == 1


def test_before_a_connect_is_taken_packets_are_small() -> None:
    fresh = Framer()
    fresh.feed(b"\x10\x81\x80\x05")
    with pytest.raises(MalformedError, match="81921 bytes"):
        fresh.next()


def wills(data: bytes) -> list[Will | None]:
    return [read_will(packet) for packet in all_of(framer(data)) if isinstance(packet, ConnectPacket)]


@pytest.mark.parametrize("flags", [0x03, 0x12, 0x22, 0x1E, 0x06, 0xFF])
def test_a_connect_with_flags_that_contradict_one_another_is_malformed(flags: int) -> None:
    spoilt = bytearray(CONNECT)
    spoilt[9] = flags
    with pytest.raises(MalformedError):
        wills(bytes(spoilt))


def test_random_bytes_are_malformed_or_packets_and_nothing_else() -> None:
    chance = random.Random(5)
    for _ in range(10_000):
        spoilt = bytearray(
            chance.choice(
                [CONNECT, Message.of("a/b", b"x").at_least_once(7), bytes.fromhex("8208 0001 0003 612f62 00")]
            )
        )
        for _ in range(chance.randrange(1, 4)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        try:
            wills(bytes(spoilt))
        except MalformedError:
            continue
