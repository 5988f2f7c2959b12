"""What operators do on the server, beside the CA that runs: make tokens, revoke."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from vedette_schemas import (
    ANALYZER,
    BROKER,
    JoinToken,
    MessageError,
    Principal,
    SettingsError,
    access,
    principals_of,
)
from vedette_transport.settings import Address

from ..person import person
from .folder import SETTINGS, CaSettings, open_register, published_ca

_OF_THE_SERVER = {str(each): each for each in (ANALYZER, BROKER, access.CONSOLE, access.HEALTH)}


class Withdrawn(NamedTuple):
    """What revoking came to."""

    principals: tuple[Principal, ...]
    certificates: int
    tokens: int


def enrol(
    folder: Path, name: str, life: timedelta, now: datetime, *, ca: Address | None, broker: Address | None
) -> JoinToken:
    """Make a token for a host or an operator; where the server is, it says or the CA's settings do.

    Raise `SettingsError` where the name or the CA's folder can't be used.
    """
    _principals(name)
    settings = CaSettings.read(folder / SETTINGS)
    token = JoinToken(
        name=name,
        expires_at=(now + life).replace(microsecond=0),
        ca=str(ca or settings.ca_address),
        broker=str(broker or settings.broker_address),
        fingerprint=published_ca(folder).fingerprint(hashes.SHA256()).hex(),
        secret=secrets.token_urlsafe(32),
    )
    register = open_register(folder)
    try:
        with register.writing():
            register.add_token(token.secret, name, now, token.expires_at, by=person())
    finally:
        register.close()
    return token


def revoke(folder: Path, name: str, now: datetime) -> Withdrawn:
    """Revoke all certificates of a host, an operator or one of the server's programs, and its unused tokens.

    The CA that runs puts them on its list. Raise `SettingsError` where there is nothing to revoke.
    """
    principals = (_OF_THE_SERVER[name],) if name in _OF_THE_SERVER else _principals(name)
    register, by = open_register(folder), person()
    try:
        with register.writing():
            certificates = sum(register.revoke(each, now, by) for each in principals)
            withdrawn = Withdrawn(principals, certificates, register.withdraw_tokens(name, now, by))
    finally:
        register.close()
    if not withdrawn.certificates and not withdrawn.tokens:
        raise SettingsError(f"{name}: has no certificate that is still good, and no unused token")
    return withdrawn


def _principals(name: str) -> tuple[Principal, ...]:
    try:
        return principals_of(name)
    except MessageError as error:
        why = str(error)
        if why == "not a principal":
            why = "give a host's name (lower-case letters, digits, hyphens, at most 63), or operator@NAME"
        raise SettingsError(f"{name!r}: {why}") from None
