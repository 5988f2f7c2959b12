"""A request for renewal that comes from the network."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from vedette_schemas import Principal, Renewal
from vedette_transport.renewal_token import BadRenewalError, read_renewal, sign_renewal

from tests import identities

CA, KEY, NOW = identities.authority(), Ed25519PrivateKey.generate(), datetime.now(UTC)
SENSOR = Principal.parse("sensor@host-8")
CERTIFICATE = CA.certify(SENSOR, KEY.public_key(), NOW)
RENEWAL = Renewal(id=UUID(int=7), issuer=str(SENSOR), issued_at=NOW, request="a request")
TOKEN = sign_renewal(RENEWAL, KEY, CERTIFICATE)


def test_what_was_signed_is_read() -> None:
    found = read_renewal(TOKEN, CA.certificate, NOW)
    assert (found.renewal, found.principal, found.certificate) == (RENEWAL, SENSOR, CERTIFICATE)


@given(st.binary(max_size=2_000))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(BadRenewalError):
        read_renewal(garbage, CA.certificate, NOW)


@given(st.integers(0, len(TOKEN) - 1), st.integers(0, 255))
def test_what_was_altered_is_refused_or_says_the_same(at: int, byte: int) -> None:
    altered = TOKEN[:at] + bytes([byte]) + TOKEN[at + 1 :]
    try:
        found = read_renewal(altered, CA.certificate, NOW)
    except BadRenewalError:
        return
    assert (found.renewal, found.certificate) == (RENEWAL, CERTIFICATE)
