"""Mosquitto, told by the file made from the table, allows what the table allows."""

from collections.abc import Generator
from itertools import product
from pathlib import Path

import pytest
from vedette_schemas import ANALYZER, Kind, Principal, Severity, topics
from vedette_schemas.access import CONSOLE, may_publish, may_subscribe

from tests import brokers
from tests.authority import Authority, make_ca

pytestmark = pytest.mark.system

EVERYONE = (
    *map(
        Principal.parse,
        ("sensor@host-7", "enforcer@host-7", "sensor@host-9", "operator@anna", "operator@eve"),
    ),
    *map(Principal.parse, ("broker@0", "ca@0", "analyzer@host-7", "console@host-7")),
    ANALYZER,
    CONSOLE,
)
"""`operator@eve` is not among the operators that Mosquitto is told of."""

UNIVERSE = [
    *(
        topics.report(each, kind)
        for each, kind in product(EVERYONE, (Kind.WINDOW, Kind.OUTCOME, Kind.STOPPED))
    ),
    *(of(each) for each in EVERYONE for of in (topics.ack, topics.command, topics.act, topics.status)),
    *(topics.alert(severity, host) for severity in Severity for host in ("host-7", "0")),
    *("vedette/v1", "vedette", "other", "/", "vedette/v1/up", "vedette/v1/status", "vedette/v1/act/"),
    *("vedette/v1/status/sensor@host-7/more", "vedette/v1/cmd/enforcer@host-7/more"),
]
SPY = "spy"


class Room:
    def __init__(self, running: brokers.RunningBroker, authority: Authority) -> None:
        self.running, self.authority = running, authority

    def join(self, name: str, *subscriptions: str) -> brokers.Client:
        tls = brokers.client_context(self.authority, self.authority.issue(name))
        return brokers.Client(self.running.address, *subscriptions, client_id=name, tls=tls)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Generator[Room]:
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    authority = make_ca(folder / "ca")
    rules = f"\nuser {SPY}\ntopic readwrite #\n"
    with brokers.tls_broker("mosquitto", folder, authority, more_rules=rules) as running:
        yield Room(running, authority)


@pytest.mark.parametrize("principal", EVERYONE, ids=str)
def test_what_may_be_published_is_heard_and_the_rest_is_not(room: Room, principal: Principal) -> None:
    spy, writer = room.join(SPY, "#"), room.join(str(principal))
    for topic in UNIVERSE:
        writer.publish(topic, b"x")
    spy.publish("the/end", b"")
    heard = set[str]()
    while (topic := spy.next()[0]) != "the/end":
        heard.add(topic)
    allowed = {topic for topic in UNIVERSE if may_publish(principal, topic)}
    if principal.program == "operator" and principal.host == "eve":
        allowed.discard(topics.act(principal))
    assert allowed <= heard
    for more in heard - allowed:  # patterns can't tell programs apart: the analyzer leaves these
        assert topics.is_report(more)
        assert more.split("/")[4] == str(principal)
    spy.close()
    writer.close()


@pytest.mark.parametrize("principal", EVERYONE, ids=str)
def test_what_may_be_read_is_delivered_and_the_rest_is_not(room: Room, principal: Principal) -> None:
    spy, reader = room.join(SPY), room.join(str(principal), "#")
    for topic in UNIVERSE:
        spy.publish(topic, b"x")
    spy.publish(topics.ack(principal), b"the end")
    heard = set[str]()
    while (message := reader.next()) != (topics.ack(principal), b"the end"):
        heard.add(message[0])
    allowed = {topic for topic in UNIVERSE if may_subscribe(principal, topic)}
    if principal.program == "operator" and principal.host == "eve":
        allowed = {topics.status(principal), topics.status(ANALYZER), topics.ack(principal)}
    assert allowed <= heard
    assert heard - allowed <= {topics.command(principal)}
    spy.close()
    reader.close()
