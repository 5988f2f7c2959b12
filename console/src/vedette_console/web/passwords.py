"""Passwords: hashed by argon2id, compared in the same time whether there is such an account or not."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from vedette_schemas import SettingsError

LEAST, MOST = 12, 200
"""Characters of a password that a person chooses."""

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _LETTERS = 4, 4
_AT_ONCE = threading.BoundedSemaphore(2)
"""Each hash takes 64 MiB and all of a core for a while: more at once would be a way to bring us down."""

_HASHER = PasswordHasher()
_NOBODYS = _HASHER.hash(secrets.token_hex(16))


def one_time() -> str:
    """Return a password to be used once: 79 bits, no letter that looks like another."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def hashed(password: str) -> str:
    """Return what is stored for a password."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_right(password: str, stored: str | None) -> bool:
    """Tell whether it is the password of that hash; without one the same work is done in vain."""
    with _AT_ONCE:
        try:
            right = _HASHER.verify(stored or _NOBODYS, password[: MOST + 1])
        except (VerificationError, InvalidHashError):
            return False
    return right and stored is not None


def chosen(password: str, name: str) -> str:
    """Return a password that a person chose; raise `SettingsError` where it is too weak to be one."""
    if not LEAST <= len(password) <= MOST:
        raise SettingsError(f"a password has {LEAST} to {MOST} characters: a few words will do")
    if name in password.lower() and len(password) < LEAST + len(name):
        raise SettingsError("a password does not consist of the account's name")
    if len(set(password)) < LEAST // 2:
        raise SettingsError("a password has more different characters than that")
    return password
