"""Forged observations, outcomes and acks: by a stolen host, and by a broker that has turned against us."""

import os
import signal
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from vedette_archive import Reader
from vedette_schemas import (
    Ack,
    AckedStream,
    Alert,
    Kind,
    Outcome,
    OutcomeStatus,
    Principal,
    Report,
    State,
    Stream,
    decode_ack,
    decode_report,
    encode,
    topics,
)

from tests import messages
from tests.enforcer.programs import lives

from .network import ENFORCER, HANDS, LISTED, PHRASE, SENSOR, STOLEN, Network
from .raw import publish
from .session import title_of, window

pytestmark = [pytest.mark.system, pytest.mark.root]

THIEF, THIEVING_ENFORCER = STOLEN
VICTIMS_WINDOWS = topics.report(SENSOR, Kind.WINDOW)


def numbers(attacked: Network, stream: Stream) -> int:
    """Return how many observations of a stream are archived."""
    with Reader(attacked.folder / "archive.db") as archive:
        return len(archive.numbers(stream))


def forged(sender: Principal, spool: str, number: int, title: str) -> bytes:
    now = datetime.now(UTC)
    seen = window(None, title).model_copy(update={"seen_at": now})
    return encode(messages.report(seen, sender=str(sender), spool=spool, first=number, sent_at=now))


def outcome_of(command: Alert, sender: Principal, spool: str) -> bytes:
    now = datetime.now(UTC)
    outcome = Outcome(
        seen_at=now,
        taken_at=now,
        command_id=command.command_id,
        action="terminate",
        status=OutcomeStatus.DONE,
        reason="ended",
    )
    return encode(messages.report(outcome, sender=str(sender), spool=spool, sent_at=now))


def victims_report(attacked: Network, title: str) -> Report:
    """Have the victim see something, and return its report as the broker read it."""
    with attacked.session() as session:
        session.hand_over(window(None, title))
    return decode_report(VICTIMS_WINDOWS, attacked.hears(VICTIMS_WINDOWS, title.encode()))


def test_a_report_under_anothers_spool_id_takes_none_of_its_numbers(attacked: Network) -> None:
    seen = victims_report(attacked, uuid4().hex)
    topic = topics.report(THIEF, Kind.WINDOW)
    with attacked.wire(str(THIEF)) as thief:
        for number in range(1, 300):
            thief.send(publish(topic, forged(THIEF, seen.spool, number, "nothing"), qos=0))
        theirs = uuid4().hex
        thief.send(publish(topic, forged(THIEF, seen.spool, 300, f"{theirs} {PHRASE}")))
        told = attacked.alert(lambda alert: title_of(alert).startswith(theirs))
    assert told.host == THIEF.host
    assert told.origin is not None
    assert told.origin.principal == str(THIEF), "who said it is who connected, not who is said to have"
    assert attacked.is_whole()
    assert numbers(attacked, seen.stream) < 300
    assert numbers(attacked, seen.stream._replace(principal=str(THIEF))) == 300


def test_a_report_that_names_another_sender_than_who_connected_is_dropped_and_counted(
    attacked: Network,
) -> None:
    title = f"{uuid4().hex} {PHRASE}"
    spool = uuid4().hex[:16]
    with attacked.wire(str(THIEF)) as thief:
        for name in (str(SENSOR), "sensor@host-8", "analyzer@0"):
            mine = topics.report(THIEF, Kind.WINDOW)
            thief.send(publish(mine, forged(Principal.parse(name), spool, 1, title)))
            thief.packet()
        thief.send(publish(VICTIMS_WINDOWS, forged(SENSOR, spool, 1, title)))
        thief.packet()
    assert attacked.is_whole()
    for sender in (SENSOR, THIEF):
        assert numbers(attacked, Stream(str(sender), spool, "window")) == 0
    if attacked.kind == "embedded":
        assert f"refused a message under '{VICTIMS_WINDOWS}'" in attacked.log("broker")


def test_an_outcome_by_another_host_settles_nothing_of_the_victims(attacked: Network) -> None:
    """Neither under its own topic, which is an alert, nor under the victim's, which the broker drops."""
    target = attacked.stays(LISTED)
    title = uuid4().hex
    os.kill(attacked.pid("enforcer"), signal.SIGSTOP)
    try:
        with attacked.session() as session:
            session.hand_over(window(target, title))
        pending = attacked.alert(lambda alert: title_of(alert) == title)
        assert pending.state is State.PENDING
        with attacked.wire(str(THIEVING_ENFORCER)) as thief:
            for sender in (ENFORCER, THIEVING_ENFORCER):
                topic = topics.report(sender, Kind.OUTCOME)
                thief.send(publish(topic, outcome_of(pending, sender, uuid4().hex[:16])))
                thief.packet()
        told = attacked.alert_that_says("did not send it", str(THIEVING_ENFORCER))
        assert told.host == THIEVING_ENFORCER.host
        assert lives(target)
    finally:
        os.kill(attacked.pid("enforcer"), signal.SIGCONT)
    final = attacked.alert(lambda alert: alert.id == pending.id)
    assert final.done == f"ended {LISTED} (pid {target.pid})"
    assert not lives(target)
    assert attacked.is_whole()


def test_what_a_broker_makes_up_in_a_hosts_name_shows_once_the_host_is_heard(attacked: Network) -> None:
    """It can lie about what was seen; the next heartbeats know of no such stream."""
    title, spool = f"{uuid4().hex} {PHRASE}", uuid4().hex[:16]
    attacked.hand.publish(VICTIMS_WINDOWS, forged(SENSOR, spool, 1, title))
    assert attacked.alert(lambda alert: title_of(alert) == title).host == SENSOR.host
    for _ in range(4):
        attacked.cut("sensor")
    told = attacked.alert_that_says(f"{SENSOR} no longer knows what window observations it had")
    assert told.severity == "high"
    assert attacked.is_whole()


def test_what_a_broker_swallows_shows_although_it_forges_the_ack(attacked: Network) -> None:
    """While no analyzer is there, the victim is told that all is archived; it lets go of it."""
    attacked.is_whole()
    acked = attacked.hears(topics.ack(SENSOR))
    archive = decode_ack(topics.ack(SENSOR), acked).archive
    attacked.kill("analyzer")
    seen = victims_report(attacked, uuid4().hex)
    lie = AckedStream(spool=seen.spool, kind=Kind.WINDOW, ranges=((1, seen.first),))
    attacked.hand.publish(
        topics.ack(SENSOR), encode(Ack(audience=str(SENSOR), archive=archive, streams=(lie,)))
    )
    attacked.hears(topics.status(SENSOR))  # it lives, and has read that
    attacked.start("analyzer")
    attacked.cut("sensor")
    told = attacked.alert_that_says(f"1 window observation ({seen.first}) of {SENSOR} is missing")
    assert told.severity == "high"
    assert attacked.is_whole()


@pytest.mark.parametrize("garbage", [b"{", b"\xff" * 1_000, b"[" * 100_000, b"null", b'{"version":2}'])
def test_garbage_in_every_topic_of_the_product_ends_nothing(attacked: Network, garbage: bytes) -> None:
    everything = [
        VICTIMS_WINDOWS,
        topics.report(ENFORCER, Kind.OUTCOME),
        topics.status(SENSOR),
        topics.status(ENFORCER),
        topics.act(Principal.parse("operator@anna")),
        topics.ack(SENSOR),
        topics.ack(ENFORCER),
        topics.command(ENFORCER),
        "vedette/v1/up/00/nobody/nothing",
        "vedette/v1/status/",
    ]
    with attacked.wire(HANDS[1]) as wire:
        for topic in everything * 20:
            wire.send(publish(topic, garbage, qos=0))
        assert attacked.is_whole()
    for name in ("analyzer", "sensor", "enforcer"):
        assert "Traceback" not in attacked.log(name)
