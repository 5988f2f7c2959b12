import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import ANALYZER, Kind, Principal, Program, Severity, topics
from vedette_schemas.access import CONSOLE, is_filter, may_publish, may_subscribe, mosquitto_acl

SENSOR, ENFORCER = Principal.parse("sensor@host-7"), Principal.parse("enforcer@host-7")
ANNA = Principal.parse("operator@anna")
EVERYONE = (SENSOR, ENFORCER, Principal.parse("sensor@host-9"), ANALYZER, CONSOLE, ANNA)
HOSTS = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,9}[a-z0-9])?", fullmatch=True)
HOST_PROGRAMS = st.builds(Principal, st.sampled_from([Program.SENSOR, Program.ENFORCER]), HOSTS)
PRINCIPALS = st.sampled_from(EVERYONE) | st.builds(Principal, st.sampled_from(Program), HOSTS)

UNIVERSE = [
    *(topics.report(each, kind) for each, kind in product(EVERYONE, Kind)),
    *(topic(each) for each in EVERYONE for topic in (topics.ack, topics.command, topics.act, topics.status)),
    *(topics.alert(severity, host) for severity in Severity for host in ("host-7", "0")),
    *("vedette/v1/alert", "vedette/v1", "vedette", "other", "/", "vedette/v1/up", "vedette/v1/status"),
    *("vedette/v1/status/", "vedette/v1/status/sensor@host-7/more", "$SYS/broker"),
]
LEVELS = sorted({level for topic in UNIVERSE for level in topic.split("/")}) + ["+", "#"] * 12
FILTERS = st.sampled_from(UNIVERSE) | st.lists(st.sampled_from(LEVELS), min_size=1, max_size=6).map("/".join)


def matches(topic_filter: str, topic: str) -> bool:
    """Match as MQTT 3.1.1 says in 4.7, written by other means than the code's."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    pattern = re.escape(topic_filter).replace(r"\+", "[^/]*")
    if topic_filter == "#":
        pattern = ".*"
    elif topic_filter.endswith("/#"):
        pattern = pattern.removesuffix(r"/\#") + "(/.*)?"
    return re.fullmatch(pattern, topic, re.DOTALL) is not None


@st.composite
def wider(draw: st.DrawFn) -> str:
    """Return a topic with wildcards put into it."""
    levels = draw(st.sampled_from(UNIVERSE)).split("/")
    levels = [draw(st.sampled_from([level, level, "+"])) for level in levels]
    if draw(st.booleans()):
        levels = [*levels[: draw(st.integers(0, len(levels)))], "#"]
    return "/".join(levels)


@given(PRINCIPALS, FILTERS | wider())
def test_whoever_may_subscribe_may_read_all_that_the_filter_matches(
    principal: Principal, wanted: str
) -> None:
    if may_subscribe(principal, wanted):
        for topic in UNIVERSE:
            assert not matches(wanted, topic) or may_subscribe(principal, topic), topic


@given(HOST_PROGRAMS, st.sampled_from(UNIVERSE) | st.text(max_size=40) | FILTERS)
def test_a_host_publishes_only_below_its_own_name(principal: Principal, topic: str) -> None:
    if may_publish(principal, topic):
        assert str(principal) in topic.split("/")
        assert topic.split("/")[2] in ("up", "status")


@given(PRINCIPALS, FILTERS | wider())
def test_nobody_publishes_under_a_filter(principal: Principal, topic: str) -> None:
    if "+" in topic or "#" in topic:
        assert not may_publish(principal, topic)


@given(st.builds(Principal, st.just(Program.OPERATOR), HOSTS), wider())
def test_operators_read_alerts_status_and_their_own_acks_only(operator: Principal, wanted: str) -> None:
    if may_subscribe(operator, wanted):
        assert wanted.startswith(("vedette/v1/alert", "vedette/v1/status/", topics.ack(operator)))


@given(HOSTS)
def test_what_the_programs_use_is_allowed(host: str) -> None:
    sensor, enforcer = Principal(Program.SENSOR, host), Principal(Program.ENFORCER, host)
    for principal in (sensor, enforcer, ANALYZER, CONSOLE, ANNA):
        assert may_publish(principal, topics.status(principal))
    for principal in (sensor, enforcer):
        assert all(
            may_publish(principal, topics.report(principal, k)) for k in topics.MAY_REPORT[principal.program]
        )
        assert may_subscribe(principal, topics.ack(principal))
        assert may_subscribe(principal, topics.status(ANALYZER))
    assert may_subscribe(enforcer, topics.command(enforcer))
    assert not may_subscribe(sensor, topics.command(enforcer))
    assert not may_publish(sensor, topics.report(sensor, Kind.OUTCOME))
    for topic in (topics.ack(sensor), topics.command(enforcer), topics.alert(Severity.HIGH, host)):
        assert may_publish(ANALYZER, topic)
    for wanted in (topics.EVERY_REPORT, topics.EVERY_STATUS, topics.EVERY_ACT, "vedette/v1/up/07/+/+"):
        assert may_subscribe(ANALYZER, wanted)
    for person in (CONSOLE, ANNA):
        assert may_publish(person, topics.act(person))
        assert all(may_subscribe(person, each) for each in (topics.ack(person), topics.EVERY_ALERT))
        assert may_subscribe(person, topics.EVERY_STATUS)


@pytest.mark.parametrize(
    ("principal", "topic"),
    [
        (SENSOR, "vedette/v1/status/enforcer@host-7"),
        (SENSOR, "vedette/v1/status/sensor@host-7/more"),
        (SENSOR, "vedette/v1/act/sensor@host-7"),
        (SENSOR, f"vedette/v1/up/{(topics.shard('host-7') + 1) % 64:02d}/sensor@host-7/window"),
        (ENFORCER, topics.command(ENFORCER)),
        (ENFORCER, topics.ack(ENFORCER)),
        (ANNA, topics.command(ENFORCER)),
        (ANNA, topics.act(CONSOLE)),
        (ANNA, topics.alert(Severity.HIGH, "host-7")),
        (CONSOLE, topics.act(ANNA)),
        (CONSOLE, topics.status(ANALYZER)),
        (ANALYZER, topics.status(SENSOR)),
        (ANALYZER, topics.act(ANALYZER)),
        (Principal.parse("analyzer@host-7"), topics.command(ENFORCER)),
        (Principal.parse("console@host-7"), "vedette/v1/act/console@host-7"),
    ],
)
def test_what_is_not_theirs_is_refused(principal: Principal, topic: str) -> None:
    assert not may_publish(principal, topic)


@pytest.mark.parametrize(
    ("principal", "wanted"),
    [
        *product(
            (SENSOR, ENFORCER, ANALYZER, CONSOLE, ANNA), ("#", "+/#", "+/+/+/+", "vedette/v1/#", "$SYS/#", "")
        ),
        (SENSOR, "vedette/v1/ack/+"),
        (ENFORCER, "vedette/v1/cmd/#"),
        (ENFORCER, "vedette/v1/cmd/enforcer@host-9"),
        (ENFORCER, "vedette/v1/cmd/enforcer@host-7/#"),
        (ENFORCER, "vedette/v1/+/enforcer@host-7"),
        (SENSOR, topics.EVERY_ALERT),
        (ANNA, topics.EVERY_REPORT),
        (ANNA, "vedette/v1/cmd/+"),
        (ANNA, "vedette/v1/act/+"),
        (ANALYZER, "vedette/v1/cmd/+"),
        (Principal.parse("analyzer@host-7"), topics.EVERY_REPORT),
        (ANNA, "vedette/v1/alert#"),
        (ANNA, "vedette/v1/alert/#/x"),
        (ANNA, "vedette/v1/alert/\0"),
    ],
)
def test_what_they_may_not_read_is_refused(principal: Principal, wanted: str) -> None:
    assert not may_subscribe(principal, wanted)


@given(st.text("ab/+#\0", max_size=8))
def test_a_filter_has_its_wildcards_alone_in_their_levels(text: str) -> None:
    well_formed = re.fullmatch(r"(?:[^+#/\0]*|\+)(?:/(?:[^+#/\0]*|\+))*(?:/#)?|#", text) is not None
    assert is_filter(text) == (well_formed and text != "")


def test_mosquittos_list_names_the_server_and_the_operators_alone() -> None:
    text = mosquitto_acl([ANNA, ANNA, Principal.parse("operator@ben")])
    users = re.findall(r"^user (.*)$", text, re.MULTILINE)
    assert users == ["analyzer@0", "console@main", "operator@anna", "operator@ben"]
    assert all(
        "%u" in line or "analyzer@0" in line for line in text.splitlines() if line.startswith("pattern")
    )
