"""Reports that can't be read, and an observation that kills the analyzer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json
from vedette_archive import Reader
from vedette_schemas import Kind, Principal, decode_ack, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.faults.counting import account, alerts, archived_count, await_archived, settle
from tests.faults.running import until
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system]
SENDER = Principal.parse("sensor@host-9")
_POISON = "poison"
_DEATHS = f"""
import os, pathlib
from vedette_analyzer import detectors
from vedette_schemas import ClipboardCopied

class Deadly(detectors.Detector[ClipboardCopied]):
    name, watches = "deadly", (ClipboardCopied,)

    def __init__(self, lists):
        pass

    def inspect(self, observation):
        deaths = pathlib.Path(os.environ["DEATHS"])
        if {_POISON!r} in observation.text and (count := int(deaths.read_text())):
            deaths.write_text(str(count - 1))
            os.abort()
        return iter(())

detectors.DETECTORS += (Deadly,)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "site", "embedded")
    with Site(server):
        server.analyzer.await_said("connected to the broker")
        yield server


def report(*items: object, **changes: object) -> bytes:
    """Return a report whose items may be anything."""
    fields = messages.report(messages.window(), sender=str(SENDER)).model_dump(mode="json")
    return to_json(fields | {"items": items} | changes)


def good(title: str) -> Any:
    return messages.window(title=title).model_dump(mode="json")


def test_what_can_not_be_read_is_kept_told_and_acked_and_the_rest_is_archived(server: Server) -> None:
    client = brokers.Client(BrokerAddress(port=server.port), topics.ack(SENDER))
    topic = topics.report(SENDER, Kind.WINDOW)
    client.publish(topic, report(good("one"), {"kind": "window", "title": 7}, good("three"), "nonsense"))
    ack = decode_ack(*client.next())
    client.close()
    assert ack.streams[0].ranges == ((1, 4),)
    with Reader(server.archive) as reader:
        counts = reader.counts()
    assert (counts.archived, counts.unreadable) == (4, 2)
    (alert,) = alerts(server, "unreadable")
    assert "2 observations of sensor@host-9" in alert["summary"]


def test_another_version_is_refused_by_name_and_waits_until_it_is_understood(server: Server) -> None:
    client = brokers.Client(BrokerAddress(port=server.port), topics.ack(SENDER))
    topic = topics.report(SENDER, Kind.WINDOW)
    client.publish(topic, report(good("one"), version=2))
    until(lambda: bool(alerts(server, "version")), "the other version is told")
    assert archived_count(server) == 0
    assert client.messages.empty()
    client.publish(topic, encode(messages.report(messages.window(), sender=str(SENDER))))
    assert decode_ack(*client.next()).streams[0].ranges == ((1, 1),)
    client.close()


@pytest.mark.parametrize(("deaths", "set_aside"), [(1_000, True), (2, False)])
def test_an_observation_that_kills_the_analyzer_is_tried_in_a_child(
    deaths: int, set_aside: bool, tmp_path: Path, table: Table
) -> None:
    """It is set aside if the child dies of it, too; else it is judged like any other."""
    counter, package = tmp_path / "deaths", tmp_path / "package"
    counter.write_text(str(deaths))
    package.mkdir()
    (package / "sitecustomize.py").write_text(_DEATHS)
    environment = {"PYTHONPATH": str(package), "DEATHS": str(counter)}
    server = Server(tmp_path / "site", "embedded", environment=environment)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(most=1_000)
        host.await_all_made()
        host.begin(options=["--copy", _POISON])
        host.begin(most=1_000)
        host.await_all_made()
        until(lambda: deaths - int(counter.read_text()) == 2 + set_aside, "it was judged to death")
        await_archived(server, 2_001)
        assert server.analyzer.deaths == 2
        assert len(alerts(server, "unreadable")) == set_aside
        seconds = settle(site)
        told = account(site)
        how = "always" if set_aside else "twice"
        table.add(f"an observation that kills the analyzer {how}", server.kind, told, seconds)
        told.assert_nothing_lost()
