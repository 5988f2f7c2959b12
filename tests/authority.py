"""A certificate authority of the tests' own, and what it issues."""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from vedette_transport.signing import Signer

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A key and its certificate, as files."""

    key: Path
    certificate: Path

    def signer(self) -> Signer:
        return Signer(self.key, self.certificate)


@dataclass(frozen=True)
class Authority:
    """A deployment's CA: an ECDSA P-256 key, and leaves with Ed25519 keys."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def path(self) -> Path:
        """The CA's certificate."""
        return self.folder / "ca.pem"

    def issue(
        self,
        common_name: str,
        *,
        key: PrivateKey | None = None,
        valid_from: dt.datetime | None = None,
        valid_for: dt.timedelta = 2 * DAY,
        is_ca: bool = False,
        addresses: Sequence[str] = (),
    ) -> Issued:
        """Issue a certificate; its files are named for it, with a number where one is there already."""
        key = key or Ed25519PrivateKey.generate()
        # Tests read the clock when they are collected.
        start = valid_from or dt.datetime.now(dt.UTC) - DAY / 12
        builder = _builder(common_name, start, valid_for, is_ca=is_ca)
        if addresses:
            names = [x509.IPAddress(ip_address(each)) for each in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = (
            builder.issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        stem = f"{common_name.replace('/', '_')}-{len(list(self.folder.iterdir()))}"
        return write(self.folder, stem, key, certificate)

    def identity(self, folder: Path, common_name: str, **changes: Any) -> Path:
        """Issue a certificate as `issue` does, and write it as a program's identity into `folder`."""
        issued = self.issue(common_name, **changes)
        folder.mkdir(parents=True, exist_ok=True)
        sources = (issued.key, issued.certificate, self.path)
        for source, name in zip(sources, ("key.pem", "certificate.pem", "ca.pem"), strict=True):
            shutil.copy(source, folder / f"{name}.new")
            (folder / f"{name}.new").rename(folder / name)
        return folder

    def revoke(self, *revoked: Issued, valid_for: dt.timedelta = DAY) -> bytes:
        """Return a revocation list, in PEM; it has lapsed where `valid_for` is negative."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - 30 * DAY)
            .next_update(now + valid_for)
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(x509.load_pem_x509_certificate(each.certificate.read_bytes()).serial_number)
                .revocation_date(now)
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def make_ca(folder: Path, name: str = "Vedette CA") -> Authority:
    """Make a CA in `folder`; its certificate is `ca.pem` there."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(name, dt.datetime.now(dt.UTC) - DAY, 3650 * DAY, is_ca=True)
        .issuer_name(_name(name))
        .public_key(key.public_key())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_MAY_CERTIFY, critical=True)
        .sign(key, hashes.SHA256())
    )
    write(folder, "ca", key, certificate)
    return Authority(folder, key, certificate)


_MAY_CERTIFY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def write(folder: Path, stem: str, key: PrivateKey, certificate: x509.Certificate) -> Issued:
    """Write a key (0600) and its certificate as PEM."""
    issued = Issued(folder / f"{stem}.key", folder / f"{stem}.pem")
    issued.key.touch(mode=0o600)
    issued.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    issued.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    return issued


def _builder(
    common_name: str, start: dt.datetime, valid_for: dt.timedelta, *, is_ca: bool
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + valid_for)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
