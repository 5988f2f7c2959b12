"""Asking a name server: what is sent, and what is made of any reply."""

import struct
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st
from vedette_enforcer.dns import answers, query

QUESTION = query("evil.example", 1, 7)
NAME = b"\xc0\x0c"


def record(kind: int, data: bytes, name: bytes = NAME) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def reply(*records: bytes, number: int = 7) -> bytes:
    return struct.pack("!6H", number, 0x8180, 1, len(records), 0, 0) + QUESTION[12:] + b"".join(records)


def test_the_question_is_asked() -> None:
    assert QUESTION == b"\0\7\1\0\0\1\0\0\0\0\0\0\4evil\7example\0\0\1\0\1"


def test_addresses_are_read_behind_other_names() -> None:
    four, six = ip_address("192.0.2.1"), ip_address("2001:db8::1")
    cname = record(5, b"\3cdn\xc0\x11")
    found = answers(reply(cname, record(1, four.packed, b"\3cdn\xc0\x11"), record(28, six.packed)), 7)
    assert found == [four, six]


def test_a_reply_to_another_question_is_none() -> None:
    assert answers(reply(record(1, ip_address("192.0.2.1").packed), number=8), 7) == []


@given(st.binary(max_size=300), st.integers(0, 100))
def test_no_reply_whatever_raises(garbage: bytes, cut: int) -> None:
    answers(garbage, 7)
    good = reply(record(1, ip_address("192.0.2.1").packed), record(28, b"short"))
    answers(good[:cut] + garbage, 7)
    answers(good[: len(good) - cut], 7)
