"""What the CA makes: its own certificate, others', and the list of those that are revoked."""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from vedette_schemas import Principal, Program

CA_LIFE = timedelta(days=3_650)
LEAF_LIFE = timedelta(days=90)
CLOCK_SLACK = timedelta(days=1)
"""By which a certificate is valid before it is made: a host whose clock is behind checks it by that clock."""

_SERVERS = frozenset({Program.BROKER, Program.CA})
"""Who is connected to; all others only connect, and none of theirs passes for a server's."""


class Revoked(NamedTuple):
    """A certificate that is not to be taken any more."""

    serial: int
    at: datetime


class Authority:
    """A CA: its key and its certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Sign with that key, as that certificate's subject."""
        self._key, self.certificate = key, certificate

    @classmethod
    def new(cls, now: datetime) -> "Authority":
        """Make a CA that can certify others, but no CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        # The number in the name tells two deployments apart, and a CA made anew from the one before.
        name = _name(f"Vedette CA {x509.random_serial_number() % 16**8:08x}")
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certifies=True), critical=True)
            .add_extension(own, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    def secret(self) -> bytes:
        """Return key and certificate as PEM: all there is to keep."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.public()

    def public(self) -> bytes:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the certificate, as hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def certify(
        self, principal: Principal, key: Ed25519PublicKey, now: datetime, names: Sequence[str] = ()
    ) -> x509.Certificate:
        """Return a certificate of `principal` for `key`; one that is connected to is found under `names`."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(str(principal)))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(min(now + LEAF_LIFE, self.certificate.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certifies=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_purposes(principal)), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(self._issuer_key(), critical=False)
        )
        if is_server(principal):
            builder = builder.add_extension(
                x509.SubjectAlternativeName(list(map(_general, names))), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())

    def revocations(self, revoked: Iterable[Revoked], now: datetime) -> bytes:
        """Return the list of revoked certificates (CRL, PEM).

        It ends only with the CA: one that nobody renewed must not lock out the fleet. When it was made
        tells its age.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(self.certificate.not_valid_after_utc)
            .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
            .add_extension(self._issuer_key(), critical=False)
        )
        for serial, at in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _issuer_key(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def is_server(principal: Principal) -> bool:
    """Tell whether others connect to `principal`."""
    return principal.program in _SERVERS


def names_of(certificate: x509.Certificate) -> set[str]:
    """Return the names and addresses that a certificate is good for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(each.value) for each in found}


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _purposes(principal: Principal) -> list[x509.ObjectIdentifier]:
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    if principal.program is Program.CA:
        return [server]
    return [server, client] if is_server(principal) else [client]  # a broker asks itself whether it is well


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        key_cert_sign=certifies,
        crl_sign=certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
