"""What a CA reads of a request for a certificate, and what it makes of it."""

import base64
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from vedette_console.ca.certificates import Authority, Revoked
from vedette_console.ca.requests import BadRequestError, key_of
from vedette_schemas import Principal
from vedette_transport.asking import request_for

from tests import identities

SENSOR = Principal.parse("sensor@host-8")
KEY = Ed25519PrivateKey.generate()
GOOD = request_for(SENSOR, KEY)
NOW = datetime.now(UTC)


def builder(*names: str) -> x509.CertificateSigningRequestBuilder:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names]
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))


def signed(request: x509.CertificateSigningRequestBuilder) -> str:
    return request.sign(KEY, None).public_bytes(Encoding.PEM).decode()


def test_a_good_request_gives_its_key() -> None:
    assert key_of(GOOD, SENSOR) == KEY.public_key()


def of_rsa() -> str:
    key = rsa.generate_private_key(65_537, 2_048)
    return builder(str(SENSOR)).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def of_ec() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return builder(str(SENSOR)).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def not_signed() -> str:
    der = bytearray(x509.load_pem_x509_csr(GOOD.encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (signed(builder("sensor@host-9")), "must name sensor@host-8"),
        (signed(builder("analyzer@0")), "must name sensor@host-8"),
        (signed(builder("sensor@host-8", "analyzer@0")), "must name sensor@host-8"),
        (signed(builder()), "must name sensor@host-8"),
        (
            signed(builder(str(SENSOR)).add_extension(x509.BasicConstraints(True, None), critical=True)),
            "no extensions",
        ),
        (
            signed(
                builder(str(SENSOR)).add_extension(
                    x509.SubjectAlternativeName([x509.DNSName("server")]), critical=False
                )
            ),
            "no extensions",
        ),
        (of_rsa(), "must be Ed25519"),
        (of_ec(), "must be Ed25519"),
        (not_signed(), "not signed with its own key"),
        ("", "can't be read"),
        ("garbage", "can't be read"),
        (GOOD[:200], "can't be read"),
        (identities.authority().public().decode(), "can't be read"),
    ],
)
def test_any_other_is_refused(pem: str, words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        key_of(pem, SENSOR)


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_garbage_is_more_than_refused(garbage: bytes, at: int) -> None:
    der = x509.load_pem_x509_csr(GOOD.encode()).public_bytes(Encoding.DER)
    changed = der[:at] + garbage + der[at + len(garbage) :]
    pem = base64.encodebytes(changed).decode()
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{pem}-----END CERTIFICATE REQUEST-----\n"
    with contextlib.suppress(BadRequestError):
        assert key_of(text, SENSOR) == KEY.public_key()


@pytest.mark.parametrize(
    ("name", "purposes"),
    [
        ("sensor@host-8", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("enforcer@host-8", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("operator@anna", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("analyzer@0", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("console@main", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("broker@0", {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}),
        ("ca@0", {ExtendedKeyUsageOID.SERVER_AUTH}),
    ],
)
def test_only_who_is_connected_to_gets_a_servers_certificate(
    name: str, purposes: set[x509.ObjectIdentifier]
) -> None:
    principal = Principal.parse(name)
    certificate = identities.authority().certify(principal, KEY.public_key(), NOW, ["server", "192.0.2.5"])
    extensions = certificate.extensions
    assert set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == purposes
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign) == (True, False, False)
    named = [each for each in extensions if isinstance(each.value, x509.SubjectAlternativeName)]
    assert bool(named) == (ExtendedKeyUsageOID.SERVER_AUTH in purposes)


def test_the_ca_certifies_no_other_ca_and_no_longer_than_it_lives() -> None:
    ca = Authority.new(NOW - timedelta(days=3_600))
    own = ca.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (own.ca, own.path_length) == (True, 0)
    leaf = ca.certify(SENSOR, KEY.public_key(), NOW)
    assert leaf.not_valid_after_utc == ca.certificate.not_valid_after_utc


def test_the_list_of_revocations_is_signed_dated_and_does_not_lapse() -> None:
    ca = identities.authority()
    found = x509.load_pem_x509_crl(ca.revocations([Revoked(4711, NOW)], NOW))
    key = ca.certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert found.is_signature_valid(key)
    assert found.get_revoked_certificate_by_serial_number(4711) is not None
    assert found.last_update_utc == NOW.replace(microsecond=0)
    assert found.next_update_utc == ca.certificate.not_valid_after_utc
