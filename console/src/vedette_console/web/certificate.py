"""The certificate that browsers see where the operator gave none: made by the console, for itself.

The deployment's CA can't issue it: its programs have Ed25519 keys, which browsers do not take.
"""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..private import ours, write

FILE = "tls.pem"
_LIFE, _RENEWED = timedelta(days=397), timedelta(days=60)
"""No browser takes one that lives longer."""


def own_certificate(folder: Path, names: Iterable[str]) -> tuple[Path, str]:
    """Return the file with key and certificate, and its SHA-256 for people; it is made where it is due.

    Raise `OSError` or `SettingsError` where the file can't be trusted or written.
    """
    file, wanted = folder / FILE, sorted({*names, "localhost", "127.0.0.1", "::1"})
    found = _read(file)
    if found is None or _names(found) != wanted or found.not_valid_after_utc < datetime.now(UTC) + _RENEWED:
        found = _make(file, wanted)
    digits = found.fingerprint(hashes.SHA256()).hex().upper()
    return file, ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _read(file: Path) -> x509.Certificate | None:
    if not file.exists():
        return None
    ours(file, secret=True)
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError:
        return None


def _make(file: Path, names: list[str]) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Vedette console")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now - timedelta(days=1) + _LIFE)
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write(file, secret + certificate.public_bytes(Encoding.PEM))
    return certificate


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sorted(str(each.value) for each in found)
