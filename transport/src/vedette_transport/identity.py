"""Who a program is: its key, its certificate and the CA that it trusts, in one folder."""

import contextlib
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from vedette_schemas import MessageError, Principal, SettingsError

from .identity_folder import Files, IdentityFolder, require_ours
from .signing import Signer
from .tls import trusting

_TRIES = 5
"""How often files are read that are being changed meanwhile."""


class Identity:
    """A principal's certificate and key; files that were renewed are picked up when they are next needed."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; raise `SettingsError`, in words, where what is there can't be used."""
        self.folder = IdentityFolder(folder)
        with contextlib.suppress(OSError):  # who may only read leaves that to the owner
            self.folder.settle()
        self._stamp: tuple[object, ...] = ()
        self.certificate: x509.Certificate
        self.ca: x509.Certificate
        self._signer: Signer
        self.refresh()

    @property
    def principal(self) -> Principal:
        """Whom the certificate names."""
        return principal_of(self.certificate)

    @property
    def ends_at(self) -> datetime:
        """When the certificate ends."""
        return self.certificate.not_valid_after_utc

    @property
    def begins_at(self) -> datetime:
        """When the certificate begins: a day before it was issued, for clocks that are behind."""
        return self.certificate.not_valid_before_utc

    def refresh(self) -> bool:
        """Read the files again if they have changed, and tell whether; raise `SettingsError` as at first."""
        try:
            stamp = self.folder.stamp()
            if stamp == self._stamp:
                return False
            found, signer = self._read()
        except OSError as error:
            raise SettingsError(f"{error.filename}: can't be read: {error.strerror}") from None
        if self._stamp and found.ca != self.ca:
            raise SettingsError(f"{self.folder.path}: the CA is another than before; start the program again")
        self.certificate, self.ca, self._signer, self._stamp = found.certificate, found.ca, signer, stamp
        return True

    def _read(self) -> "tuple[_Found, Signer]":
        for _ in range(_TRIES - 1):
            with contextlib.suppress(SettingsError):
                return self._read_once()
        return self._read_once()

    def _read_once(self) -> "tuple[_Found, Signer]":
        found = _read(self.folder)
        return found, Signer(found.files.key, found.files.certificate)

    def signer(self) -> Signer:
        """Return what signs as this principal, with the newest key."""
        self.refresh()
        return self._signer

    def client_context(self) -> ssl.SSLContext:
        """Return what makes a TLS connection: to servers of our CA alone, whose name is checked."""
        context = trusting(self.ca.public_bytes(Encoding.PEM).decode())
        self.load_into(context)
        return context

    def load_into(self, context: ssl.SSLContext) -> None:
        """Have a context show the newest certificate; raise `SettingsError` where there is none to show."""
        for tries_left in reversed(range(_TRIES)):
            self.refresh()
            files = self.folder.files()
            try:
                context.load_cert_chain(files.certificate, files.key)
            except OSError as error:  # an SSLError is one
                if not tries_left:
                    raise SettingsError(
                        f"{self.folder.path}: key and certificate can't be used ({error.strerror or error})"
                    ) from None
            else:
                return


class _Found(NamedTuple):
    files: Files
    certificate: x509.Certificate
    ca: x509.Certificate


def _read(folder: IdentityFolder) -> _Found:
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
    principal_of(certificate)
    return _Found(files, certificate, ca)


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
