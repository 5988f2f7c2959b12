"""A certificate authority of the tests' own, and what it issues."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

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
        valid_for: dt.timedelta = DAY,
        is_ca: bool = False,
    ) -> Issued:
        """Issue a certificate; its files are named for it, with a number where one is there already."""
        key = key or Ed25519PrivateKey.generate()
        start = valid_from or dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
        certificate = (
            _builder(common_name, start, valid_for, is_ca=is_ca)
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .sign(self.key, hashes.SHA256())
        )
        stem = f"{common_name}-{len(list(self.folder.iterdir()))}"
        return write(self.folder, stem, key, certificate)


def make_ca(folder: Path, name: str = "Vedette CA") -> Authority:
    """Make a CA in `folder`; its certificate is `ca.pem` there."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(name, dt.datetime.now(dt.UTC) - DAY, 3650 * DAY, is_ca=True)
        .issuer_name(_name(name))
        .public_key(key.public_key())
        .sign(key, hashes.SHA256())
    )
    write(folder, "ca", key, certificate)
    return Authority(folder, key, certificate)


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
