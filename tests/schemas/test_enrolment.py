"""The token that is copied, and who joins by it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import JoinToken, MessageError, principals_of

TOKEN = JoinToken(
    name="host-8",
    expires_at=datetime(2026, 11, 22, tzinfo=UTC),
    ca="192.0.2.5:8884",
    broker="[2001:db8::5]:8883",
    fingerprint="0" * 64,
    secret="A" * 43,
)


def test_a_token_is_one_line_and_is_read_as_it_was_written() -> None:
    text = TOKEN.write()
    assert text.startswith("vedette1.")
    assert not set(text) & set(" \n+/=")
    assert JoinToken.read(text) == TOKEN


def test_a_token_that_a_mail_has_wrapped_is_read() -> None:
    text = TOKEN.write()
    assert JoinToken.read(f" {text[:70]}\r\n  {text[70:140]}\n{text[140:]}\n") == TOKEN


@given(st.integers(0, len(TOKEN.write()) - 1))
def test_a_token_of_which_the_end_is_missing_is_refused(length: int) -> None:
    with pytest.raises(MessageError, match="copy the line"):
        JoinToken.read(TOKEN.write()[:length])


@given(st.text(max_size=3_000))
def test_garbage_is_refused(text: str) -> None:
    for each in (text, f"vedette1.{text}"):
        with pytest.raises(MessageError):
            JoinToken.read(each)


@pytest.mark.parametrize("ca", ["host", "host:0", "a b:1", "host:99999999", 'x":1', "[::1:1", "host:1\n"])
def test_a_token_says_where_the_ca_is_and_nothing_else(ca: str) -> None:
    fields = TOKEN.model_dump()
    with pytest.raises(ValueError, match="ca"):
        JoinToken.model_validate({**fields, "ca": ca})


def test_a_host_joins_with_its_programs_and_a_person_alone() -> None:
    assert [str(each) for each in principals_of("host-8")] == ["sensor@host-8", "enforcer@host-8"]
    assert [str(each) for each in principals_of("operator@anna")] == ["operator@anna"]


@pytest.mark.parametrize(
    "name", ["0", "sensor@host-8", "analyzer@0", "operator@", "Host", "", "a" * 64, "a.b"]
)
def test_nobody_joins_under_another_name(name: str) -> None:
    with pytest.raises(MessageError):
        principals_of(name)
