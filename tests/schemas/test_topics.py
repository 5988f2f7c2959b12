import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Kind, MessageError, Principal, Program, Severity, topics

HOSTS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


def test_topics_are_spelled_as_the_design_has_them() -> None:
    sensor, enforcer = Principal.parse("sensor@host-7"), Principal.parse("enforcer@host-7")
    assert (
        topics.report(sensor, Kind.WINDOW)
        == f"vedette/v1/up/{topics.shard('host-7'):02d}/sensor@host-7/window"
    )
    assert topics.command(enforcer) == "vedette/v1/cmd/enforcer@host-7"
    assert topics.status(enforcer) == "vedette/v1/status/enforcer@host-7"
    assert topics.alert(Severity.HIGH, "host-7") == "vedette/v1/alert/high/host-7"


@given(HOSTS, st.sampled_from([Kind.WINDOW, Kind.CLIPBOARD, Kind.PROCESS, Kind.CONNECTION]))
def test_a_report_topic_reads_back(host: str, kind: Kind) -> None:
    sensor = Principal(Program.SENSOR, host)
    assert topics.read_report_topic(topics.report(sensor, kind)) == (sensor, kind)


@pytest.mark.parametrize(
    ("part", "spoilt"),
    [
        ("/window", "/outcome"),
        ("/window", "/window\n"),
        ("/window", "/window/more"),
        ("sensor@", "enforcer@"),
        ("sensor@", "analyzer@"),
        ("sensor@", "stranger@"),
        ("host-7", "HOST-7"),
        ("host-7", "host/7"),
        ("host-7", "host#7"),
        ("host-7", "host-7\n"),
        ("host-7", "-host"),
        ("host-7", "h" * 64),
        ("/up/", "/up/+"),
        ("/up/22", "/up/99"),
        ("/up/22", "/up/21"),
        ("vedette/v1/up/22/sensor@host-7/window", ""),
        ("22/sensor@host-7/window", "///"),
    ],
)
def test_what_a_principal_may_not_say_is_refused(part: str, spoilt: str) -> None:
    topic = topics.report(Principal.parse("sensor@host-7"), Kind.WINDOW)
    assert part in topic
    with pytest.raises(MessageError):
        topics.read_report_topic(topic.replace(part, spoilt))


@given(st.text())
def test_no_text_upsets_the_readers_of_topics(text: str) -> None:
    for read in (topics.read_report_topic, topics.read_status_topic, Principal.parse):
        with pytest.raises(MessageError):
            read(text)


def test_a_host_is_always_in_the_same_one_of_64_shards() -> None:
    assert {topics.shard(f"host-{n}") for n in range(5_000)} == set(range(64))
    assert topics.shard("host-7") == 22
