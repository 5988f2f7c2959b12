"""Signed commands: a JWS (RFC 7515, EdDSA) that carries its signer's certificate.

What a command may lead to is decided in one function, `Verifier.verify`.
"""

import base64
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict
from vedette_schemas import MAX_TOKEN, Command, MessageError, Principal, Program, SettingsError, decode

LONGEST_LIFE = timedelta(hours=24)
_CLOCK_SLACK = timedelta(seconds=5)
_TYPE = "vedette-command"
_MAY_COMMAND = frozenset({Program.ANALYZER})
_JWS = PyJWS(algorithms=["EdDSA"])


class CommandRefusedError(Exception):
    """A command that is not to be carried out; `command` is what it says, where its signature holds."""

    def __init__(self, reason: str, command: Command | None = None) -> None:
        """`reason` is a sentence for the operator."""
        super().__init__(reason)
        self.reason, self.command = reason, command


class Signer:
    """Signs commands with a principal's key."""

    def __init__(self, key: Path, certificate: Path) -> None:
        """Read the key and its certificate (PEM); raise `SettingsError` if they can't be used."""
        self._key = _read_key(key)
        self._certificate = _read_certificate(certificate)
        if self._certificate.public_key() != self._key.public_key():
            raise SettingsError(f"{certificate}: is not the certificate of {key}")

    def sign(self, command: Command) -> str:
        """Return the command as a compact JWS."""
        chain = [base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()]
        payload = command.model_dump_json(exclude_none=True).encode()
        return _JWS.encode(payload, self._key, "EdDSA", headers={"typ": _TYPE, "x5c": chain})


class Verifier:
    """Tells whether a signed command is to be carried out by `audience`."""

    def __init__(self, ca: Path, audience: Principal) -> None:
        """Read the deployment's CA certificate (PEM); raise `SettingsError` if it can't be used."""
        self._ca = _read_certificate(ca)
        self._audience = str(audience)

    def verify(self, token: str, now: datetime) -> Command:
        """Return the command; raise `CommandRefusedError` unless it is signed by who may, for us, now."""
        command = _read(token, self._signer(token, now))
        if command.audience != self._audience:
            raise CommandRefusedError("it is addressed to another host", command)
        if command.issued_at > now + _CLOCK_SLACK:
            raise CommandRefusedError("it was issued in the future by this host's clock", command)
        if command.expires_at <= now:
            raise CommandRefusedError("it has expired", command)
        if command.expires_at - command.issued_at > LONGEST_LIFE:
            raise CommandRefusedError("it lives longer than any command may", command)
        return command

    def _signer(self, token: str, now: datetime) -> tuple[Ed25519PublicKey, str]:
        """Return the signer's key and name, once its certificate is found to be good."""
        certificate = _certificate_of(token)
        try:
            certificate.verify_directly_issued_by(self._ca)
        except (ValueError, TypeError, InvalidSignature):
            raise CommandRefusedError("its signer's certificate is not of this deployment") from None
        if not certificate.not_valid_before_utc - _CLOCK_SLACK <= now <= certificate.not_valid_after_utc:
            raise CommandRefusedError("its signer's certificate is not valid at this time")
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        try:
            (name,) = names
            principal = Principal.parse(str(name.value))
        except (ValueError, MessageError):
            raise CommandRefusedError("its signer's certificate names no principal") from None
        key = certificate.public_key()
        if principal.program not in _MAY_COMMAND or _is_ca(certificate):
            raise CommandRefusedError("its signer may not command")
        if not isinstance(key, Ed25519PublicKey):
            raise CommandRefusedError("its signer's key is not Ed25519")
        return key, str(principal)


def _read(token: str, signer: tuple[Ed25519PublicKey, str]) -> Command:
    key, name = signer
    try:
        payload: Any = _JWS.decode_complete(token, key, algorithms=["EdDSA"])["payload"]
        command = decode(Command, cast("bytes", payload))
    except PyJWTError:
        raise CommandRefusedError("its signature does not hold") from None
    except MessageError as error:
        raise CommandRefusedError(f"it can't be read ({error})") from None
    if command.issuer != name:
        raise CommandRefusedError("its issuer is not its signer")
    return command


class _Header(BaseModel):
    """The protected header of a signed command: this and nothing else (RFC 7515, 4.1.6 for x5c)."""

    model_config = ConfigDict(extra="forbid")
    alg: Literal["EdDSA"]
    typ: Literal["vedette-command"]
    x5c: tuple[str]


def _certificate_of(token: str) -> x509.Certificate:
    """Return the certificate that a token carries; nothing of it is believed yet."""
    try:
        if len(token) > MAX_TOKEN:
            raise ValueError
        header = _Header.model_validate_json(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        return x509.load_der_x509_certificate(base64.b64decode(header.x5c[0], validate=True))
    except (ValueError, x509.InvalidVersion):  # no base64, no JSON, no such header, no certificate
        raise CommandRefusedError("it is not signed as a command is") from None


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{path}: not a certificate in PEM") from None


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, TypeError):
        raise SettingsError(f"{path}: not a private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{path}: not an Ed25519 key")
    return key
