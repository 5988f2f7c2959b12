"""Who a program is: its key, its certificate and the CA that it trusts, in one folder."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from vedette_schemas import MessageError, Principal, SettingsError

from .credentials import TRIES, Certified, Credentials
from .identity_folder import Files, IdentityFolder, require_ours
from .signing import Signer


@dataclass(frozen=True)
class _Found(Certified):
    certificate: x509.Certificate
    ca: x509.Certificate
    signer: Signer


class Identity(Credentials[_Found]):
    """The same, and what signs and is signed with it: for programs that need cryptography anyway."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; raise `SettingsError`, in words, where what is there can't be used."""
        super().__init__(folder, _read)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate."""
        return self._known.certificate

    @property
    def ca(self) -> x509.Certificate:
        """The certificate of the CA that is trusted."""
        return self._known.ca

    def signer(self) -> Signer:
        """Return what signs as this principal, with the newest key."""
        self.refresh()
        return self._known.signer


def _read(folder: IdentityFolder) -> _Found:
    for _ in range(TRIES - 1):
        with contextlib.suppress(SettingsError):
            return _read_once(folder)
    return _read_once(folder)


def _read_once(folder: IdentityFolder) -> _Found:
    files = folder.files()
    if not files.certificate.exists():
        raise SettingsError(
            f"{folder.path}: no certificate is there yet; on a host run 'vedette-sensor join TOKEN',"
            " for an operator 'vedette join TOKEN', with a token of 'vedette enrol' on the server"
        )
    certificate, ca = _certificate(files.certificate), _certificate(files.ca)
    _protected(files)
    require_issued(certificate, ca, files.certificate)
    now = datetime.now(UTC)
    if now > certificate.not_valid_after_utc:
        when = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        raise SettingsError(f"{files.certificate}: ended {when}; enrol and join again")
    if now < certificate.not_valid_before_utc:
        when = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise SettingsError(f"{files.certificate}: begins {when} only; is this machine's clock right?")
    return _Found(
        principal=principal_of(certificate),
        begins_at=certificate.not_valid_before_utc,
        ends_at=certificate.not_valid_after_utc,
        ca_pem=ca.public_bytes(Encoding.PEM).decode(),
        certificate=certificate,
        ca=ca,
        signer=Signer(files.key, files.certificate),
    )


def require_issued(certificate: x509.Certificate, ca: x509.Certificate, what: object) -> None:
    """Raise `SettingsError` where a certificate is not of that CA; `what` says which one it is."""
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise SettingsError(f"{what}: not of the CA whose certificate lies beside it") from None


def principal_of(certificate: x509.Certificate) -> Principal:
    """Return whom a certificate names; raise `SettingsError` where that is nobody."""
    try:
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Principal.parse(str(name.value))
    except (ValueError, MessageError):
        raise SettingsError("the certificate names no principal") from None


def _protected(files: Files) -> None:
    require_ours(files.key, secret=True)
    require_ours(files.certificate)
    require_ours(files.ca)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (ValueError, x509.InvalidVersion):
        raise SettingsError(f"{path}: not a certificate in PEM") from None
