"""Tokens by which programs use the interface: each with what it is for, and an end."""

import hashlib
import re
import secrets
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from vedette_schemas import SettingsError

from ..lines import count
from .accounts import PROGRAM, Account
from .deeds import COMMAND_LINE, Deeds
from .roles import Role
from .scopes import Scope
from .store import Store, to_number, to_time

MOST_DAYS = 366
_PREFIX = "vedette_"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,22}[a-z0-9])?")
_NOTED_EACH = timedelta(minutes=1)


_ROLES = {Scope.READ: Role.VIEWER, Scope.ACT: Role.RESPONDER}


class Token(NamedTuple):
    """A token, without its secret, which nobody keeps."""

    name: str
    scopes: frozenset[Scope]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None

    @property
    def account(self) -> Account:
        """As whom it acts: with the role of the most that it is good for."""
        role = max((_ROLES[scope] for scope in self.scopes), key=tuple(Role).index)
        return Account(f"{PROGRAM}{self.name}", role, once=None, made_at=self.made_at, signed_in_at=None)


class Tokens:
    """The tokens in the console's database."""

    def __init__(self, store: Store) -> None:
        """Keep them there."""
        self._store = store

    def add(self, name: str, scopes: Iterable[Scope], days: int, made_by: str, now: datetime) -> str:
        """Make a token and return its secret; raise `SettingsError` where that can't be."""
        if _NAME.fullmatch(name) is None:
            raise SettingsError(f"{name!r}: give lower-case letters, digits, '.', '_' and '-', at most 24")
        if not 1 <= days <= MOST_DAYS:
            raise SettingsError(f"a token is good for 1 to {MOST_DAYS} days")
        good_for = sorted(set(scopes))
        if not good_for:
            raise SettingsError("a token has to be good for something: read, act")
        secret = _PREFIX + secrets.token_urlsafe(32)
        ends = to_number(now + timedelta(days=days))
        row = (_digest(secret), name, " ".join(good_for), made_by, to_number(now), ends)
        with self._store.writing() as connection:
            try:
                connection.execute(
                    "INSERT INTO tokens (secret, name, scopes, made_by, made_at, expires_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError:
                raise SettingsError(f"there is a token {name!r} already") from None
            words = f"{name}: {' and '.join(good_for)}, for {count(days, 'day')}"
            Deeds(self._store).note(made_by, "token.add", words, about=name)
        return secret

    def token(self, secret: str, now: datetime) -> Token | None:
        """Return the token with that secret, if it has not ended; it counts as used, by the minute."""
        with self._store.reading() as connection:
            query = f"SELECT {_COLUMNS} FROM tokens WHERE secret = ? AND expires_at > ?"  # noqa: S608
            row = connection.execute(query, (_digest(secret), to_number(now))).fetchone()
        if row is None:
            return None
        found = _token(row)
        if found.used_at is None or found.used_at < now - _NOTED_EACH:
            used = "UPDATE tokens SET used_at = ? WHERE secret = ?"
            self._store.write_if_possible(used, (to_number(now), _digest(secret)))
        return found

    def everyone(self) -> list[Token]:
        """Return all tokens by name, those that have ended too."""
        with self._store.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY name").fetchall()  # noqa: S608
        return [_token(row) for row in rows]

    def remove(self, name: str, *, by: str = COMMAND_LINE) -> None:
        """Remove a token: it is good for nothing any more; raise `SettingsError` where there is none."""
        with self._store.writing() as connection:
            if connection.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount == 0:
                raise SettingsError(f"there is no token {name!r}: 'vedette console token list' lists them")
            Deeds(self._store).note(by, "token.remove", name, about=name)


_COLUMNS = "name, scopes, made_by, made_at, expires_at, used_at"


def _token(row: tuple[str, str, str, int, int, int | None]) -> Token:
    name, scopes, made_by, made_at, expires_at, used_at = row
    try:
        used = None if used_at is None else to_time(used_at)
        good_for = frozenset(map(Scope, scopes.split()))
        return Token(name, good_for, made_by, to_time(made_at), to_time(expires_at), used)
    except (ValueError, OverflowError, OSError):
        raise SettingsError(f"the token {name!r} can't be read: remove it, and make another one") from None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
