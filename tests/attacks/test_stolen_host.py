"""Who has all keys of host-7: what they hear of others, whom they can keep from being heard."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from vedette_schemas import MAX_ITEMS, Kind, encode, topics

from tests import brokers, messages

from .network import ANALYZER, ENFORCER, SENSOR, STOLEN, Network
from .raw import connect, is_refused, publish, subscribe
from .session import window

pytestmark = [pytest.mark.system, pytest.mark.root]

THIEF, THIEVING_ENFORCER = STOLEN
WANTED = ["#", "vedette/#", topics.EVERY_COMMAND, topics.EVERY_REPORT, topics.EVERY_ALERT, topics.EVERY_ACT]


@pytest.mark.parametrize("name", list(map(str, STOLEN)))
def test_all_that_a_stolen_host_hears_is_for_it(attacked: Network, name: str) -> None:
    """While the victim sees something, is commanded, and answers."""
    with attacked.wire(name) as thief:
        for wanted in (
            *WANTED,
            *(topics.command(ENFORCER), topics.ack(SENSOR), topics.ack(ENFORCER), topics.status(SENSOR)),
            topics.ack(THIEF if name == str(THIEF) else THIEVING_ENFORCER),
        ):
            thief.send(subscribe(wanted))
        assert attacked.is_whole()
        attacked.hand.publish(topics.ack(THIEF), b"the end")
        attacked.hand.publish(topics.ack(THIEVING_ENFORCER), b"the end")
        heard = list[bytes]()
        while not (heard and b"the end" in heard[-1]):
            packet = thief.packet()
            assert packet, "cut off, and so it heard nothing"
            heard += [packet] if packet[0] >> 4 == 3 else []
    # Of the analyzer's status all may read: who reports has to know that somebody listens.
    assert [each for each in heard[:-1] if topics.status(ANALYZER).encode() not in each] == []


@pytest.mark.parametrize("victim", [str(ANALYZER), str(SENSOR), str(ENFORCER), "broker@0", "operator@ben"])
def test_no_stolen_host_becomes_another(attacked: Network, victim: str) -> None:
    programs = ("analyzer", "sensor", "enforcer")
    before = [attacked.log(name).count("connected to the broker") for name in programs]
    context = brokers.client_context(attacked.authority, attacked.identity(str(THIEF)))
    for clean in (True, False) * 5:
        taken = not is_refused(attacked.broker.address, context, connect(victim, clean=clean))
        assert not taken or attacked.kind == "mosquitto", "which calls it what its certificate says"
    assert attacked.is_whole()
    assert [attacked.log(name).count("connected to the broker") for name in programs] == before


def test_a_flood_of_reports_keeps_no_other_report_from_being_archived(
    attacked: Network, record_property: Callable[[str, object], None]
) -> None:
    """30,000 valid observations, as fast as they are taken: how long the victim's takes is told."""
    now, spool = datetime.now(UTC), uuid4().hex[:16]
    items = [window(None, f"{number} {uuid4().hex}") for number in range(MAX_ITEMS)]
    topic = topics.report(THIEF, Kind.WINDOW)
    began = time.monotonic()
    with attacked.wire(str(THIEF)) as thief:
        for number in range(600):
            report = messages.report(
                *items, sender=str(THIEF), spool=spool, first=1 + number * MAX_ITEMS, sent_at=now
            )
            thief.send(publish(topic, encode(report), qos=0))
        assert attacked.is_whole()
    record_property(f"seconds until the victim's command, {attacked.kind}", time.monotonic() - began)
    assert attacked.is_whole()


def test_a_flood_of_streams_keeps_no_other_report_from_being_archived(attacked: Network) -> None:
    """Names are bounded for each principal: a thief fills its own books only."""
    now, topic = datetime.now(UTC), topics.report(THIEF, Kind.WINDOW)
    with attacked.wire(str(THIEF)) as thief:
        for _ in range(2_000):
            spool = uuid4().hex[:16]
            report = messages.report(window(None), sender=str(THIEF), spool=spool, sent_at=now)
            thief.send(publish(topic, encode(report), qos=0))
        assert attacked.is_whole()
    assert attacked.is_whole()
