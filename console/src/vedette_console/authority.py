"""The deployment's certificate authority, for now made and kept by `vedette up` in its folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from vedette_schemas import Principal, SettingsError

from .private import ours, private_folder, write

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=90)
_RENEW_BEFORE = timedelta(days=30)
_CLOCK_SLACK = timedelta(days=1)
"""By which a certificate is valid before it is made: a host whose clock is behind checks it by that clock."""


class Authority:
    """A CA in a folder: `ca.pem` for all to read, `ca.key` for nobody else."""

    def __init__(self, folder: Path) -> None:
        """Open the CA in `folder`, or make one.

        Raise `SettingsError` if it is there and unusable, `OSError` if it can't be made.
        """
        self.certificate_path = folder / "ca.pem"
        key_path = folder / "ca.key"
        private_folder(folder)
        if not key_path.exists():
            self._make(key_path)
        ours(key_path, secret=True)
        ours(self.certificate_path)
        try:
            key = load_pem_private_key(key_path.read_bytes(), password=None)
            self._certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise SettingsError(
                f"{folder}: the CA there can't be used ({error}); remove the folder for a new one"
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SettingsError(f"{key_path}: not the key of a CA of Vedette's")
        self._key = key

    def issue(self, principal: Principal, folder: Path) -> tuple[Path, Path]:
        """Return key and certificate (PEM) of `principal` in `folder`, made or renewed where need be."""
        key_path, certificate_path = folder / "key.pem", folder / "certificate.pem"
        if key_path.exists():
            ours(folder, secret=True)
            ours(key_path, secret=True)
        if not self._serves(certificate_path) or not key_path.exists():
            private_folder(folder)
            key = Ed25519PrivateKey.generate()
            certificate = self._certify(key, str(principal))
            write(key_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            write(certificate_path, certificate.public_bytes(Encoding.PEM), 0o644)
        return key_path, certificate_path

    def _serves(self, path: Path) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError):
            return False
        return (
            certificate.issuer == self._certificate.subject
            and certificate.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE
        )

    def _certify(self, key: Ed25519PrivateKey, name: str) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SLACK)
            .not_valid_after(now + LEAF_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def _make(self, key_path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        # The serial in the name tells two deployments apart, and a CA made anew from the one before.
        name = _name(f"Vedette CA {x509.random_serial_number() % 16**8:08x}")
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SLACK)
            .not_valid_after(now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        write(self.certificate_path, certificate.public_bytes(Encoding.PEM), 0o644)
        write(key_path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
