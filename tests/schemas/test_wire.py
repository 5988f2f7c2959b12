import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_schemas import (
    MAX_PAYLOAD,
    Ack,
    AckedStream,
    Alert,
    Command,
    Handover,
    Hello,
    Kind,
    Message,
    MessageError,
    Notice,
    Observation,
    OtherVersionError,
    Position,
    Principal,
    Report,
    Shown,
    Status,
    Taken,
    Unreadable,
    decode,
    decode_ack,
    decode_alert,
    decode_report,
    decode_status,
    encode,
    read_report,
    topics,
)

from tests import messages

SENSOR = Principal.parse("sensor@host-7")
TOPIC = topics.report(SENSOR, Kind.WINDOW)
STATUS_TOPIC = topics.status(Principal.parse("enforcer@host-7"))
ACK_TOPIC = topics.ack(SENSOR)
REPORT = messages.report(messages.window())
ACK = Ack(
    audience=str(SENSOR),
    archive=Position(epoch=messages.SPOOL, commits=1),
    streams=(AckedStream(spool=messages.SPOOL, kind=Kind.WINDOW, ranges=((1, 2), (4, 4)), closed=5),),
)

DECODERS: list[Callable[[bytes], object]] = [
    lambda payload: decode_report(TOPIC, payload),
    lambda payload: decode_status(STATUS_TOPIC, payload),
    decode_alert,
    lambda payload: decode_ack(ACK_TOPIC, payload),
    *((lambda payload, m=m: decode(m, payload)) for m in (Command, Hello, Handover, Taken, Notice, Shown)),
]


def test_a_report_reads_back_as_it_was() -> None:
    assert decode_report(TOPIC, encode(REPORT)) == REPORT


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(encode(REPORT)) | changes).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"x" * 1_000_000,
        changed(sender="sensor@host-8"),
        changed(sender="enforcer@host-7"),
        changed(sender="sensor@host/7"),
        changed(sender="sensor@host-7\n"),
        changed(sender="sensor@#"),
        changed(kind="clipboard"),
        changed(kind="outcome"),
        changed(version=2),
        changed(first=0),
        changed(first=2**63),
        changed(items=[]),
        changed(items=[json.loads(messages.window().model_dump_json())] * 51),
        changed(spool="0"),
        changed(more=1),
        changed(items=[{"kind": "window"}]),
        changed(items=[json.loads(messages.clipboard().model_dump_json())]),
        changed(sent_at="2026-11-21T12:00:00"),
        changed(sent_at="9999-12-31T23:59:59Z"),
        changed(sent_at="0001-01-01T00:00:00+14:00"),
        changed(sent_at=1e300),
    ],
)
def test_a_report_that_is_not_one_is_refused_without_repeating_it(payload: bytes) -> None:
    with pytest.raises(MessageError) as refused:
        decode_report(TOPIC, payload)
    assert len(str(refused.value)) < 200


def test_a_refusal_never_repeats_the_payload() -> None:
    with pytest.raises(MessageError) as refused:
        decode(Status, b'{"version": 1, "hunter2": "hunter2", "facts": {"hunter2": 1}}')
    assert "hunter2" not in str(refused.value)


def test_a_title_longer_than_the_bound_is_refused() -> None:
    item = json.loads(messages.window().model_dump_json()) | {"title": "x" * 1025}
    with pytest.raises(MessageError):
        decode_report(TOPIC, changed(items=[item]))


def test_an_oversized_payload_is_not_even_parsed() -> None:
    with pytest.raises(MessageError, match="bytes"):
        decode(Report, b" " * (MAX_PAYLOAD + 1))


@settings(max_examples=10_000, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.text(max_size=8) | st.sampled_from(sorted(Report.model_fields)), inner, max_size=6
                )
            ),
            max_leaves=12,
        ).map(lambda value: json.dumps(value).encode()),
        st.tuples(st.integers(0, len(encode(REPORT)) - 1), st.integers(0, 255)).map(
            lambda hit: encode(REPORT)[: hit[0]] + bytes([hit[1]]) + encode(REPORT)[hit[0] + 1 :]
        ),
    )
)
def test_no_payload_gets_more_out_of_a_decoder_than_a_refusal(payload: bytes) -> None:
    for decoder in DECODERS:
        try:
            result = decoder(payload)
        except MessageError:
            continue
        assert isinstance(result, Message)


def test_a_status_is_its_topics_principals_own() -> None:
    assert decode_status(STATUS_TOPIC, encode(messages.status())) == messages.status()
    with pytest.raises(MessageError):
        decode_status(STATUS_TOPIC, encode(messages.status("enforcer@host-8")))


def test_an_alert_without_what_it_does_not_have_is_still_one() -> None:
    with pytest.raises(MessageError):
        decode(Alert, b"{}")


@pytest.mark.parametrize(
    "message",
    [
        messages.report(messages.outcome(None), sender="enforcer@host-7"),
        messages.report(messages.window(process=None, uid=None, pid_from=None)),
        messages.report(messages.clipboard(uid=None)),
        messages.report(messages.connection(process=None, uid=None)),
        messages.status(facts={}),
        messages.command(),
    ],
)
def test_what_is_written_can_be_read_whatever_it_leaves_out(message: Message) -> None:
    assert decode(type(message), encode(message)) == message


def window_item(**changes: Any) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(encode(messages.window()))
    return item | changes


def with_item(item: bytes) -> bytes:
    """A report whose one item is this text, which need not be JSON."""
    return changed(items=["here"]).replace(b'"here"', item)


def no_number(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def read(payload: bytes | bytearray) -> list[Observation | Unreadable] | None:
    """Read a report, check what must always hold; `None` where it is refused."""
    try:
        arrived = read_report(TOPIC, payload)
    except MessageError:
        return None
    assert arrived.envelope.sender == str(SENSOR)
    assert 0 < len(arrived.items) <= 50
    for item in arrived.items:
        if isinstance(item, Unreadable):
            json.loads(item.raw, parse_constant=no_number)
            assert len(item.raw) < 5 * len(payload)  # 1e15 is written in full
            assert len(item.reason) < 100
        else:
            assert item.kind == "window"
    return list(arrived.items)


def test_a_report_of_which_all_can_be_read_arrives_as_it_was() -> None:
    arrived = read_report(TOPIC, bytearray(encode(REPORT)))
    assert arrived.envelope == REPORT
    assert arrived.items == REPORT.items


def test_what_can_not_be_read_stands_among_what_can() -> None:
    other = json.loads(encode(messages.clipboard()))
    strange = {"kind": "telepathy", "thought": "ä\x00😀", "n": [1, -2.5, None, True]}
    bad = window_item(title="x" * 1025)
    items = read(changed(items=[window_item(), strange, 7, other, bad, window_item(pid_from="client")]))
    assert items is not None
    first, unknown, seven, clipboard, long, last = items
    assert first == messages.window()
    assert last == messages.window(pid_from="client")
    assert isinstance(unknown, Unreadable)
    assert json.loads(unknown.raw) == strange
    assert unknown.reason == "no observation (union_tag_invalid)"
    assert seven == Unreadable("no observation (dict_type)", b"7")
    assert isinstance(clipboard, Unreadable)
    assert clipboard.reason == "not of its report's kind"
    assert json.loads(clipboard.raw) == other
    assert isinstance(long, Unreadable)
    assert long.reason == "no observation (string_too_long)"
    assert json.loads(long.raw) == bad


def test_a_reason_repeats_nothing_of_the_item() -> None:
    items = read(changed(items=[{"kind": "hunter2", "hunter2": "hunter2"}, window_item(hunter2=1)]))
    assert items is not None
    assert all(isinstance(item, Unreadable) and "hunter2" not in item.reason for item in items)


@pytest.mark.parametrize("version", [2, 0, "1", None, [], 10**400, "x" * 100_000])
def test_a_report_of_another_version_is_refused_by_name(version: object) -> None:
    with pytest.raises(OtherVersionError, match="sensor@host-7 speaks another version than 1") as refused:
        read_report(TOPIC, changed(version=version, items=["of", "whatever"], more="fields"))
    assert len(str(refused.value)) < 200


BAD = [{"kind": "telepathy"}]


@pytest.mark.parametrize(
    "payload",
    [
        changed(items=BAD, sender="sensor@host-8"),
        changed(items=BAD, sender="enforcer@host-7"),
        changed(items=BAD, sender=["sensor@host-7"]),
        changed(items=BAD, kind="clipboard"),
        changed(items=BAD, kind="telepathy"),
        changed(items=BAD, spool="0"),
        changed(items=BAD, first=0),
        changed(items=BAD, first=2**63 - 50),
        changed(items=BAD, first=10**400),
        changed(items=BAD, sent_at="now"),
        changed(items=BAD, sent_at=1e300),
        changed(items=BAD, more=1),
        changed(items=BAD, **{"\ud800": 1}),
        changed(items=[]),
        changed(items={}),
        changed(items=None),
        changed(items="x" * 10),
        changed(items=7),
        changed(items=BAD * 51),
        changed(items=[window_item()] * 51),
        json.dumps(
            {key: value for key, value in json.loads(encode(REPORT)).items() if key != "items"}
        ).encode(),
        changed(items=BAD)[:-1] + b',"sender":"sensor@host-8"}',
        changed(items=BAD)[:-1] + b',"items":[]}',
        changed(items=BAD) + b"x",
        changed(items=BAD).decode().encode("utf-16"),
        b"\xef\xbb\xbf" + changed(items=BAD),
        with_item(b"NaN"),
        with_item(b'{"n": -Infinity}'),
        with_item(b'"\\ud800"'),
        with_item(b'{"\\udfff": 1}'),
        with_item(b'"\xff"'),
        with_item(b'"\x00"'),
        with_item(b"9" * 4_301),
        with_item(b"9" * 200_000),
        with_item(b"[" * 100_000),
        with_item(b"[" * 250 + b"]" * 250),
        with_item(b'{"a":' * 250 + b"1" + b"}" * 250),
        changed(items=BAD) + b" " * MAX_PAYLOAD,
        b"",
        b"[]",
        b"null",
        b"{}",
    ],
)
def test_what_is_no_report_or_somebody_elses_is_refused(payload: bytes) -> None:
    assert read(payload) is None


@pytest.mark.parametrize(
    ("item", "raw"),
    [
        (b"1e999", b'"Infinity"'),
        (b'{"kind": "window", "seen_at": -1e999}', b'{"kind":"window","seen_at":"-Infinity"}'),
        (b'{"a": 1, "a": 2}', b'{"a":2}'),
        (b"9" * 4_300, b"9" * 4_300),
        (b"[" * 190 + b"]" * 190, b"[" * 190 + b"]" * 190),
        (b'"\\ud83d\\ude00\\u0000"', '"😀\\u0000"'.encode()),
        (b"[1e15, 1e-999]", b"[1000000000000000.0,0.0]"),
        (b'"' + b"\x7f" * 200_000 + b'"', b'"' + b"\x7f" * 200_000 + b'"'),
        (b"[" + b"[]," * 60_000 + b"1]", b"[" + b"[]," * 60_000 + b"1]"),
        (b"null", b"null"),
    ],
)
def test_an_item_that_is_no_observation_is_kept_as_json(item: bytes, raw: bytes) -> None:
    items = read(with_item(item))
    assert items is not None
    (unreadable,) = items
    assert isinstance(unreadable, Unreadable)
    assert unreadable.raw == raw


def test_a_number_beyond_all_bounds_does_not_become_a_title() -> None:
    item = encode(messages.window(title="here")).replace(b'"here"', b"1e999")
    assert read(with_item(item)) != [messages.window(title="Infinity")]


def test_a_report_as_large_as_may_be_is_read_and_one_byte_more_is_not() -> None:
    payload = changed(items=BAD)
    payload = b" " * (MAX_PAYLOAD - len(payload)) + payload
    assert read(payload) is not None
    assert read(b" " + payload) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["window", "clipboard", 2**64, 10**400, 1e308]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(sorted(window_item())), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        JSON
        | st.just(window_item())
        | st.dictionaries(st.sampled_from(sorted(window_item())), JSON).map(
            lambda fields: window_item(**fields)
        ),
        max_size=5,
    ),
    st.dictionaries(st.sampled_from(sorted(Report.model_fields)), JSON, max_size=1),
    st.binary(max_size=2),
    st.integers(0, 2_000),
)
def test_whatever_a_report_holds_it_is_read_or_refused(
    items: list[object], envelope: dict[str, Any], garbage: bytes, place: int
) -> None:
    payload = changed(**({"items": items} | envelope))
    read(payload)
    read(payload[:place] + garbage + payload[place + len(garbage) :])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.just(window_item()) | JSON, min_size=1, max_size=50))
def test_the_items_that_can_be_read_are_whatever_the_others_hold(items: list[object]) -> None:
    arrived = read(changed(items=items))
    assert arrived is not None
    assert [item == messages.window() for item in arrived] == [item == window_item() for item in items]


def test_an_ack_is_for_its_topics_principal_only() -> None:
    assert decode_ack(ACK_TOPIC, encode(ACK)) == ACK
    for audience in ("sensor@host-8", "enforcer@host-7"):
        with pytest.raises(MessageError, match="an audience that is not the topic's"):
            decode_ack(ACK_TOPIC, encode(ACK.model_copy(update={"audience": audience})))
    with pytest.raises(MessageError, match="not an ack's topic"):
        decode_ack(TOPIC, encode(ACK))


def changed_ack(**changes: Any) -> bytes:
    return json.dumps(json.loads(encode(ACK)) | changes).encode()


def acked(**changes: Any) -> list[dict[str, Any]]:
    return [json.loads(encode(ACK))["streams"][0] | changes]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[" * 100_000,
        b" " * (MAX_PAYLOAD + 1),
        changed_ack(version=2),
        changed_ack(audience="sensor@#"),
        changed_ack(more=1),
        changed_ack(streams=[]),
        changed_ack(streams=acked() * 65),
        changed_ack(streams=acked(ranges=[[1, 1]] * 65)),
        changed_ack(streams=acked(ranges=[[2, 1]])),
        changed_ack(streams=acked(ranges=[[0, 1]])),
        changed_ack(streams=acked(ranges=[[1, 2**63]])),
        changed_ack(streams=acked(ranges=[[1]])),
        changed_ack(streams=acked(closed=0)),
        changed_ack(streams=acked(spool="../..")),
        changed_ack(streams=acked(kind="telepathy")),
        changed_ack(archive={"epoch": "e", "commits": 1}),
        changed_ack(archive={"epoch": "e" * 16, "commits": -1}),
    ],
)
def test_an_ack_that_is_none_is_refused_without_repeating_it(payload: bytes) -> None:
    with pytest.raises(MessageError) as refused:
        decode_ack(ACK_TOPIC, payload)
    assert len(str(refused.value)) < 200
