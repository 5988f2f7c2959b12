"""A CA without a process: certificates for tests, in folders as programs keep them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from vedette_console.ca.certificates import Authority
from vedette_schemas import Principal
from vedette_transport.identity import Identity
from vedette_transport.identity_folder import IdentityFolder

LOCAL = ("localhost", "127.0.0.1", "::1")


def authority() -> Authority:
    return Authority.new(datetime.now(UTC))


def write(
    ca: Authority, name: str, folder: Path, *, ago: timedelta = timedelta(0), names: Sequence[str] = LOCAL
) -> Path:
    """Write an identity whose certificate was issued that long ago."""
    principal = Principal.parse(name)
    place, now = IdentityFolder(folder), datetime.now(UTC) - ago
    with place.changing():
        key = place.key_for(f"{now}")
        certificate = ca.certify(principal, key.public_key(), now, names)
        place.take(pem(certificate), ca.public())
    return folder


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def identity(ca: Authority, name: str, folder: Path, *, ago: timedelta = timedelta(0)) -> Identity:
    return Identity(write(ca, name, folder, ago=ago))
