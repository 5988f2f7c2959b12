"""What an act may say of a suppression, and that the longest such act is still one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError
from vedette_schemas import (
    MAX_ACT,
    MAX_ENTRY,
    MAX_REASON,
    MAX_TTL,
    Act,
    Lift,
    ListEntry,
    MessageError,
    Scope,
    Suppress,
    decode,
    encode,
)
from vedette_transport.signing import ActVerifier

from tests.authority import make_ca

ENTRY = {"type": "host", "value": "evil.test"}


def suppress(**changes: Any) -> Suppress:
    fields: dict[str, Any] = {"scope": {"indicator": ENTRY}, "ttl_seconds": 60, "reason": "ours"}
    return Suppress.model_validate(fields | changes)


def act(what: Suppress | Lift, issuer: str = "operator@anna") -> Act:
    now = datetime.now(UTC)
    return Act(id=uuid4(), issuer=issuer, issued_at=now, expires_at=now + timedelta(minutes=1), what=what)


@pytest.mark.parametrize(
    "scope",
    [
        {"host": "host-7"},
        {"detector": "listed-window"},
        {"indicator": ENTRY},
        {"indicator": {"type": "ip:port", "value": "192.0.2.7:80"}, "host": "host-7"},
    ],
)
def test_a_scope_names_something(scope: dict[str, Any]) -> None:
    wanted = act(suppress(scope=scope))
    assert decode(Act, encode(wanted)) == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": {}},
        {"scope": {"host": None, "detector": None, "indicator": None}},
        {"scope": {"host": "+"}},
        {"scope": {"host": "host-7/x"}},
        {"scope": {"host": ""}},
        {"scope": {"detector": ""}},
        {"scope": {"detector": "*"}},
        {"scope": {"detector": "x" * 65}},
        {"scope": {"indicator": {"type": "host", "value": ""}}},
        {"scope": {"indicator": {"type": "Host", "value": "evil.test"}}},
        {"scope": {"indicator": {"type": "host|x", "value": "evil.test"}}},
        {"scope": {"indicator": {"type": "path", "value": "/a\x1bb"}}},
        {"scope": {"indicator": {"type": "path", "value": "x" * (MAX_ENTRY + 1)}}},
        {"scope": {"host": "host-7", "user": "anna"}},
        {"ttl_seconds": 0},
        {"ttl_seconds": MAX_TTL + 1},
        {"reason": ""},
        {"reason": "   "},
        {"reason": "a\nb"},
        {"reason": "x" * (MAX_REASON + 1)},
        {"from": "2026-11-21T12:00:00Z"},
    ],
)
def test_nothing_else_is_one(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        suppress(**changes)


def test_a_suppression_is_lifted_by_its_whole_id() -> None:
    wanted = act(Lift(suppression_id=uuid4()))
    assert decode(Act, encode(wanted)) == wanted
    short = encode(wanted).replace(str(wanted.what.suppression_id).encode(), b"1c4f9a02")  # type: ignore[union-attr]
    with pytest.raises(MessageError):
        decode(Act, short)


@pytest.mark.parametrize("letter", ["x", '"', "\\", "é", "漢", "🦊"])
@pytest.mark.parametrize("name", ["operator@anna", f"operator@{'x' * 55}"])
def test_the_longest_act_is_still_one(
    tmp_path_factory: pytest.TempPathFactory, letter: str, name: str
) -> None:
    authority = make_ca(tmp_path_factory.mktemp("ca"))
    scope = Scope(
        host="x" * 63,
        detector="x" * 64,
        indicator=ListEntry(type="x" * 16, value=letter * MAX_ENTRY),
    )
    wanted = act(Suppress(scope=scope, ttl_seconds=MAX_TTL, reason=letter * MAX_REASON), name)
    token = authority.issue(name).signer().sign(wanted)
    assert len(token) <= MAX_ACT - 1_000, (
        "a certificate of the real CA is longer, and a console names an account"
    )
    assert ActVerifier(authority.path).verify(token, datetime.now(UTC)) == wanted
