"""Signed commands and acts: a JWS (RFC 7515, EdDSA) that carries its signer's certificate.

What a command may lead to is decided in one function, `Verifier.verify`, an act in `ActVerifier.verify`. Who
may sign which, and that neither passes for the other, stands in `_COMMAND` and `_ACT`.
"""

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jwt import PyJWS
from jwt.exceptions import PyJWTError
from pydantic import BaseModel, ConfigDict
from vedette_schemas import (
    MAX_ACT,
    MAX_TOKEN,
    Act,
    Command,
    MessageError,
    Principal,
    Program,
    SettingsError,
    access,
    decode,
    topics,
)

from .keys import read_key
from .proof import other_than_wanted

LONGEST_LIFE = timedelta(hours=24)
LONGEST_LIFE_OF_AN_ACT = timedelta(minutes=10)
ALTERED = "its signature does not hold"
"""Why a token is refused whose words are not those that were signed."""

_CLOCK_SLACK = timedelta(seconds=5)
_CLOCKS_APART = timedelta(minutes=2)
"""How much an operator's clock and a host's may differ, and how old a heartbeat be that tells the host's."""
_JWS = PyJWS(algorithms=["EdDSA"])
_M = TypeVar("_M", Command, Act)


class _Sort(NamedTuple, Generic[_M]):
    """A sort of token: what it holds, its type's name, who may sign it, how long it may live and be."""

    model: type[_M]
    name: str
    may_sign: frozenset[Program]
    longest_life: timedelta
    longest: int


_COMMAND = _Sort(Command, "command", frozenset({Program.ANALYZER}), LONGEST_LIFE, MAX_TOKEN)
_ACT = _Sort(Act, "act", topics.MAY_ACT, LONGEST_LIFE_OF_AN_ACT, MAX_ACT)


class _BadTokenError(Exception):
    """A token that is not to be trusted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CommandRefusedError(Exception):
    """A command that is not to be carried out; `command` is what it says, where its signature holds."""

    def __init__(self, reason: str, command: Command | None = None) -> None:
        """`reason` is a sentence for the operator."""
        super().__init__(reason)
        self.reason, self.command = reason, command


class ActRefusedError(Exception):
    """An act that is not to be carried out; `act` is what it says, where its signature holds."""

    def __init__(self, reason: str, act: Act | None = None) -> None:
        """`reason` is a sentence for the operator."""
        super().__init__(reason)
        self.reason, self.act = reason, act


class Signer:
    """Signs commands and acts with a principal's key; `principal` is whom its certificate names."""

    def __init__(self, key: Path, certificate: Path) -> None:
        """Read the key and its certificate (PEM); raise `SettingsError` if they can't be used."""
        self._key = _read_key(key)
        self._certificate = _read_certificate(certificate)
        if self._certificate.public_key() != self._key.public_key():
            raise SettingsError(f"{certificate}: is not the certificate of {key}")

    @property
    def principal(self) -> Principal:
        """Whom the certificate names; raise `SettingsError` where that is nobody."""
        try:
            return _principal(self._certificate)
        except _BadTokenError as error:
            raise SettingsError(error.reason) from None

    def sign(self, message: Command | Act) -> str:
        """Return the message as a compact JWS."""
        chain = [base64.b64encode(self._certificate.public_bytes(Encoding.DER)).decode()]
        payload = message.model_dump_json(exclude_none=True).encode()
        sort = _COMMAND if isinstance(message, Command) else _ACT
        return _JWS.encode(payload, self._key, "EdDSA", headers={"typ": f"vedette-{sort.name}", "x5c": chain})


class Verifier:
    """Tells whether a signed command is to be carried out by `audience`."""

    def __init__(self, ca: Path, audience: Principal) -> None:
        """Read the deployment's CA certificate (PEM); raise `SettingsError` if it can't be used."""
        self._ca = _read_certificate(ca)
        self._audience = str(audience)

    def verify(self, token: str, now: datetime) -> Command:
        """Return the command; raise `CommandRefusedError` unless it is signed by who may, for us, now."""
        try:
            command = _read(token, _COMMAND, self._ca, now)
        except _BadTokenError as bad:
            raise CommandRefusedError(bad.reason) from None
        if command.audience != self._audience:
            raise CommandRefusedError("it is addressed to another host", command)
        if (reason := _untimely(command, _COMMAND, now, "this host's")) is not None:
            raise CommandRefusedError(reason, command)
        return command


class ActVerifier:
    """Tells whether a signed act is to be carried out."""

    def __init__(self, ca: Path, revoked: Callable[[int], bool] = lambda _: False) -> None:
        """Read the deployment's CA certificate (PEM); raise `SettingsError` if it can't be used.

        `revoked` tells whether the certificate of this serial number is.
        """
        self._ca, self._revoked = _read_certificate(ca), revoked

    def verify(self, token: str, now: datetime) -> Act:
        """Return the act; raise `ActRefusedError` unless it is signed by who may, now.

        Whether it was carried out before is for who remembers that to say.
        """
        try:
            act = _read(token, _ACT, self._ca, now)
            if self._revoked(_certificate_of(token, _ACT).serial_number):
                raise _BadTokenError("its signer's certificate was revoked")
        except _BadTokenError as bad:
            raise ActRefusedError(bad.reason) from None
        if (reason := _untimely(act, _ACT, now, "the server's")) is not None:
            raise ActRefusedError(reason, act)
        return act

    def prove(self, command: Command) -> Act:
        """Return the act that wanted exactly this command; raise `ActRefusedError` where it has none.

        The command has been verified: it is for this host, and its time is now. Who signed it is not
        believed beyond that. It may come again for as long as it lives, so the act's time is compared with
        when the command was issued; both were told by other clocks than this host's.
        """
        if command.act is None:
            raise ActRefusedError("no operator has signed for it")
        try:
            act = _read(command.act, _ACT, self._ca, command.issued_at)
        except _BadTokenError as bad:
            raise ActRefusedError(bad.reason) from None
        reason = _untimely(act, _ACT, command.issued_at, "this host's", _CLOCKS_APART)
        reason = reason or other_than_wanted(act, command)
        if reason is not None:
            raise ActRefusedError(reason, act)
        return act


def _untimely(
    message: _M, sort: _Sort[_M], now: datetime, whose: str, apart: timedelta = timedelta(0)
) -> str | None:
    """Return why this is not its time; `apart` is how much its clock and ours may differ."""
    if message.issued_at > now + max(apart, _CLOCK_SLACK):
        return f"it was issued in the future by {whose} clock"
    if message.expires_at + apart <= now:
        return "it has expired"
    if message.expires_at - message.issued_at > sort.longest_life:
        return f"it lives longer than any {sort.name} may"
    return None


def _read(token: str, sort: _Sort[_M], ca: x509.Certificate, now: datetime) -> _M:
    """Return what a token says once its signer is found to be one who may say it."""
    key, name = _signer(_certificate_of(token, sort), sort, ca, now)
    try:
        payload: Any = _JWS.decode_complete(token, key, algorithms=["EdDSA"])["payload"]
        message = decode(sort.model, cast("bytes", payload))
    except PyJWTError:
        raise _BadTokenError(ALTERED) from None
    except MessageError as error:
        raise _BadTokenError(f"it can't be read ({error})") from None
    if message.issuer != name:
        raise _BadTokenError("its issuer is not its signer")
    return message


def _signer(
    certificate: x509.Certificate, sort: _Sort[_M], ca: x509.Certificate, now: datetime
) -> tuple[Ed25519PublicKey, str]:
    """Return the signer's key and name, once its certificate is found to be good."""
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise _BadTokenError("its signer's certificate is not of this deployment") from None
    if not certificate.not_valid_before_utc - _CLOCK_SLACK <= now <= certificate.not_valid_after_utc:
        raise _BadTokenError("its signer's certificate is not valid at this time")
    principal, key = _principal(certificate), certificate.public_key()
    if principal.program not in sort.may_sign or principal == access.HEALTH or _is_ca(certificate):
        raise _BadTokenError(f"its signer may not {sort.name}")
    if not isinstance(key, Ed25519PublicKey):
        raise _BadTokenError("its signer's key is not Ed25519")
    return key, str(principal)


def _principal(certificate: x509.Certificate) -> Principal:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    try:
        (name,) = names
        return Principal.parse(str(name.value))
    except (ValueError, MessageError):
        raise _BadTokenError("its signer's certificate names no principal") from None


class _Header(BaseModel):
    """The protected header of a token: this and nothing else (RFC 7515, 4.1.6 for x5c)."""

    model_config = ConfigDict(extra="forbid")
    alg: Literal["EdDSA"]
    typ: Literal["vedette-command", "vedette-act"]
    x5c: tuple[str]


def _certificate_of(token: str, sort: _Sort[_M]) -> x509.Certificate:
    """Return the certificate that a token of this sort carries; nothing of it is believed yet."""
    try:
        if len(token) > sort.longest:
            raise ValueError
        header = _Header.model_validate_json(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        if header.typ != f"vedette-{sort.name}":
            raise ValueError
        return x509.load_der_x509_certificate(base64.b64decode(header.x5c[0], validate=True))
    except (ValueError, x509.InvalidVersion):  # no base64, no JSON, no such header, no certificate
        what = "a command" if sort is _COMMAND else "an act"
        raise _BadTokenError(f"it is not signed as {what} is") from None


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
        return read_key(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: can't be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
