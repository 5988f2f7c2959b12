"""A request for renewal: a JWS (RFC 7515, EdDSA) that carries the certificate it is signed with."""

import base64
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict
from vedette_schemas import (
    MAX_REQUEST,
    MessageError,
    Principal,
    Renewal,
    SettingsError,
    VedetteError,
    decode,
    encode,
)

from .identity import principal_of, require_issued

FRESH = timedelta(minutes=5)
_JWS = PyJWS(algorithms=["EdDSA"])
_TYPE = "vedette-renewal"


class BadRenewalError(VedetteError):
    """A request for renewal that is not to be answered; the text says why."""


class Asked(NamedTuple):
    """A request for renewal whose signature holds, and whom it is of."""

    renewal: Renewal
    principal: Principal
    certificate: x509.Certificate


def sign_renewal(renewal: Renewal, key: Ed25519PrivateKey, certificate: x509.Certificate) -> bytes:
    """Return the request as a compact JWS."""
    chain = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    return _JWS.encode(encode(renewal), key, "EdDSA", headers={"typ": _TYPE, "x5c": chain}).encode()


def read_renewal(token: bytes, ca: x509.Certificate, now: datetime) -> Asked:
    """Return what is asked, once its signer is found to be of that CA, its certificate good and it fresh.

    Raise `BadRenewalError` otherwise. Whether the certificate was revoked, and whether this was asked before,
    is for who remembers that to say.
    """
    certificate = _certificate_of(token)
    try:
        require_issued(certificate, ca, "it")
        principal = principal_of(certificate)
    except SettingsError:
        raise BadRenewalError("the certificate is not of this deployment") from None
    if now > certificate.not_valid_after_utc:
        raise BadRenewalError("the certificate has ended; enrol and join again")
    key = certificate.public_key()
    if not isinstance(key, Ed25519PublicKey) or now < certificate.not_valid_before_utc:
        raise BadRenewalError("the certificate can't be renewed")
    try:
        payload: Any = _JWS.decode_complete(token, key, algorithms=["EdDSA"])["payload"]
        renewal = decode(Renewal, cast("bytes", payload))
    except (PyJWTError, MessageError):
        raise BadRenewalError("its signature does not hold, or it can't be read") from None
    if renewal.issuer != str(principal):
        raise BadRenewalError("it is not signed by whom it names")
    if abs(renewal.issued_at - now) > FRESH:
        raise BadRenewalError(
            f"it was made at {renewal.issued_at:%Y-%m-%d %H:%M:%S} UTC,"
            f" and here it is {now:%Y-%m-%d %H:%M:%S}: set the clocks"
        )
    return Asked(renewal, principal, certificate)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")
    alg: Literal["EdDSA"]
    typ: Literal["vedette-renewal"]
    x5c: tuple[str]


def _certificate_of(token: bytes) -> x509.Certificate:
    """Return the certificate that a request carries; nothing of it is believed yet."""
    try:
        if len(token) > MAX_REQUEST:
            raise ValueError
        header = _Header.model_validate_json(base64.urlsafe_b64decode(token.partition(b".")[0] + b"=="))
        return x509.load_der_x509_certificate(base64.b64decode(header.x5c[0], validate=True))
    except (ValueError, x509.InvalidVersion):  # no base64, no JSON, no such header, no certificate
        raise BadRenewalError("it is no signed request for renewal") from None
