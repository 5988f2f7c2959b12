import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vedette_schemas import (
    MAX_PAYLOAD,
    Alert,
    Command,
    Handover,
    Hello,
    Kind,
    Message,
    MessageError,
    Notice,
    Principal,
    Report,
    Shown,
    Status,
    Taken,
    decode,
    decode_alert,
    decode_report,
    decode_status,
    encode,
    topics,
)

from tests import messages

SENSOR = Principal.parse("sensor@host-7")
TOPIC = topics.report(SENSOR, Kind.WINDOW)
STATUS_TOPIC = topics.status(Principal.parse("enforcer@host-7"))
REPORT = messages.report(messages.window())

DECODERS: list[Callable[[bytes], object]] = [
    lambda payload: decode_report(TOPIC, payload),
    lambda payload: decode_status(STATUS_TOPIC, payload),
    decode_alert,
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
