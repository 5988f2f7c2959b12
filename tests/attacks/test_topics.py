"""Who has a certificate, and tries to say or read what is not theirs."""

import pytest
from vedette_schemas import Kind, Principal, Severity, topics

from .raw import ACCEPTED, PUBACK, PUBREL, Wire, connect, is_refused, publish
from .site import VICTIM, Site

pytestmark = pytest.mark.system

SENSOR = Principal.parse("sensor@host-7")
OTHER = Principal.parse("sensor@host-9")
ENFORCER = Principal.parse("enforcer@host-7")
ANNA = Principal.parse("operator@anna")
CONSOLE = Principal.parse("console@main")

FORGED = [
    (SENSOR, topics.report(OTHER, Kind.WINDOW)),
    (SENSOR, topics.report(VICTIM, Kind.OUTCOME)),
    (SENSOR, topics.status(OTHER)),
    (SENSOR, topics.status(VICTIM)),
    (SENSOR, topics.status(Principal.parse("analyzer@0"))),
    (SENSOR, topics.command(VICTIM)),
    (SENSOR, topics.ack(VICTIM)),
    (SENSOR, topics.act(CONSOLE)),
    (SENSOR, topics.act(SENSOR)),
    (SENSOR, topics.alert(Severity.CRITICAL, "host-9")),
    (ENFORCER, topics.command(VICTIM)),
    (ENFORCER, topics.command(ENFORCER)),
    (ENFORCER, topics.ack(ENFORCER)),
    (ANNA, topics.command(VICTIM)),
    (ANNA, topics.ack(VICTIM)),
    (ANNA, topics.act(CONSOLE)),
    (ANNA, topics.alert(Severity.CRITICAL, "host-9")),
    (CONSOLE, topics.command(VICTIM)),
    (CONSOLE, topics.act(ANNA)),
    (SENSOR, "$SYS/broker/version"),
    (SENSOR, "vedette"),
]


@pytest.mark.parametrize(
    ("thief", "topic", "qos"),
    [*((*each, 1) for each in FORGED), *((SENSOR, topics.command(VICTIM), qos) for qos in (0, 2))],
)
def test_a_message_under_anothers_topic_reaches_nobody(
    place: Site, thief: Principal, topic: str, qos: int
) -> None:
    """Who forges is heard under its own name right after, so that nothing is still on its way."""
    watching = place.join("operator@ben", topics.EVERY_ALERT, topics.EVERY_STATUS)
    name, mine = str(thief), (topics.status(thief), b"mine")
    with Wire(place.address, place.tls(name)) as wire:
        wire.send(connect(name), publish(topic, b"forged", qos=qos), PUBREL if qos == 2 else b"")
        wire.send(publish(*mine))
        for _ in range(2 if qos == 1 else 1):
            while wire.packet()[:1] not in (PUBACK, b""):
                pass
    assert place.analyzer.next() == mine
    assert watching.next() == mine
    assert place.nothing_has_happened()
    watching.close()


READ = [
    "#", "+/#", "+/+/+/+", "+/+/+/+/+/+", "vedette/#", "vedette/v1/#", "vedette/v1/+/enforcer@host-9",
    "vedette/v1/cmd/#", "vedette/v1/cmd/+", topics.command(VICTIM), topics.ack(VICTIM), "vedette/v1/ack/+",
    topics.EVERY_REPORT, topics.report(VICTIM, Kind.OUTCOME), topics.EVERY_ALERT, topics.EVERY_STATUS,
    topics.status(VICTIM), topics.EVERY_ACT, "$SYS/#", "$share/group/vedette/v1/cmd/+",
]  # fmt: skip


@pytest.mark.parametrize("wanted", READ)
def test_a_host_that_asks_for_what_is_not_its_own_reads_nothing(place: Site, wanted: str) -> None:
    thief = place.join("sensor@host-7", wanted, topics.ack(SENSOR))
    everything_is_said(place)
    place.analyzer.publish(topics.ack(SENSOR), b"the end")
    assert thief.next() == (topics.ack(SENSOR), b"the end")
    thief.close()


@pytest.mark.parametrize(
    "wanted", ["#", "vedette/v1/#", "vedette/v1/cmd/+", topics.EVERY_REPORT, topics.EVERY_ACT]
)
def test_an_operator_reads_alerts_and_status_only(place: Site, wanted: str) -> None:
    curious = place.join("operator@anna", wanted, topics.ack(ANNA))
    everything_is_said(place)
    place.analyzer.publish(topics.ack(ANNA), b"the end")
    while (received := curious.next()) != (topics.ack(ANNA), b"the end"):
        assert received[0].startswith(("vedette/v1/alert/", "vedette/v1/status/"))
        assert place.running.kind == "mosquitto", "the subscription was refused"
    curious.close()


def everything_is_said(place: Site) -> None:
    place.victim.publish(topics.status(VICTIM), b"alive")
    assert place.analyzer.next() == (topics.status(VICTIM), b"alive")
    place.analyzer.publish(topics.alert(Severity.HIGH, "host-9"), b"alert")
    place.analyzer.publish(topics.ack(VICTIM), b"ack")
    assert place.victim.next() == (topics.ack(VICTIM), b"ack")
    assert place.nothing_has_happened()


@pytest.mark.parametrize(
    "topic",
    [topics.command(VICTIM), topics.status(VICTIM), topics.ack(VICTIM), topics.report(OTHER, Kind.WINDOW)],
)
def test_a_last_will_under_anothers_topic_is_never_published(place: Site, topic: str) -> None:
    name = "sensor@host-7"
    with Wire(place.address, place.tls(name)) as wire:
        wire.send(connect(name, will=(topic, b"forged")))
        wire.packet()
    place.join(name).close()  # a new connection of that name: what the last one left has been dealt with
    assert place.nothing_has_happened()


def test_a_last_will_under_ones_own_topic_is_published(place: Site) -> None:
    name, status = "sensor@host-7", topics.status(SENSOR)
    with Wire(place.address, place.tls(name)) as wire:
        wire.send(connect(name, will=(status, b"gone")))
        assert wire.packet() == ACCEPTED
    assert place.analyzer.next() == (status, b"gone")
    assert place.nothing_has_happened()


@pytest.mark.parametrize("thief", [SENSOR, ENFORCER, ANNA, CONSOLE])
def test_nothing_is_retained(place: Site, thief: Principal) -> None:
    """Not even under one's own topic."""
    name, status = str(thief), topics.status(thief)
    for qos in (0, 1):
        with Wire(place.address, place.tls(name)) as wire:
            wire.send(connect(name), publish(status, b"kept", qos=qos, retain=True))
            wire.try_to_send(b"\xe0\x00")
            assert wire.is_over()
    assert is_refused(place.address, place.tls(name), connect(name, will=(status, b"kept"), retain=True))
    watching = place.join("operator@ben", topics.EVERY_STATUS, topics.EVERY_ALERT)
    place.victim.publish(topics.status(VICTIM), b"alive")
    assert watching.next() == (topics.status(VICTIM), b"alive")
    assert place.analyzer.next() == (topics.status(VICTIM), b"alive")
    assert place.nothing_has_happened()
    watching.close()
