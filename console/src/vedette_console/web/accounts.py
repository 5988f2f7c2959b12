"""Accounts of people who sign in at the console."""

import re
import sqlite3
from datetime import datetime, timedelta
from typing import NamedTuple

from vedette_schemas import SettingsError

from . import passwords
from .deeds import COMMAND_LINE, Deeds
from .roles import Role
from .store import Store, to_number, to_time

PROGRAM = "token."
"""What names of programs begin with, so that in the audit no account passes for one."""

ONCE_LASTS = timedelta(days=7)
"""For how long somebody may sign in with a password of our making."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?")


class Account(NamedTuple):
    """Who may sign in. `once`: until when they may with a password of our making, not replaced yet."""

    name: str
    role: Role
    once: datetime | None
    made_at: datetime
    signed_in_at: datetime | None


_COLUMNS = "name, role, once, changed_at, made_at, signed_in_at"


class Accounts:
    """The accounts in the console's database; what is done to them is noted there as well, `by` whom."""

    def __init__(self, store: Store) -> None:
        """Keep them there."""
        self._store = store
        self._deeds = Deeds(store)

    def everyone(self) -> list[Account]:
        """Return all accounts by name."""
        with self._store.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM accounts ORDER BY name").fetchall()  # noqa: S608
        return [_account(row) for row in rows]

    def account(self, name: str) -> Account | None:
        """Return the account of that name."""
        with self._store.reading() as connection:
            query = f"SELECT {_COLUMNS} FROM accounts WHERE name = ?"  # noqa: S608 (our own columns)
            row = connection.execute(query, (name,)).fetchone()
        return None if row is None else _account(row)

    def stored_hash(self, name: str) -> str | None:
        """Return what is stored for the password of an account."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT hash FROM accounts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def add(self, name: str, role: Role, now: datetime, *, by: str = COMMAND_LINE) -> str:
        """Make an account and return its one-time password; raise `SettingsError` where that can't be."""
        if _NAME.fullmatch(name) is None:
            raise SettingsError(f"{name!r}: give lower-case letters, digits, '.', '_' and '-', at most 32")
        if name.startswith(PROGRAM):
            raise SettingsError(f"{name!r}: what begins with {PROGRAM!r} is the name of a program's token")
        password = passwords.one_time()
        row = (name, role, passwords.hashed(password), to_number(now), to_number(now))
        with self._store.writing() as connection:
            try:
                connection.execute(
                    "INSERT INTO accounts (name, role, hash, once, made_at, changed_at)"
                    " VALUES (?, ?, ?, 1, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError:
                raise SettingsError(f"there is an account {name!r} already") from None
            self._deeds.note(by, "account.add", f"{name}, as {role}", about=name)
        return password

    def remove(self, name: str, *, by: str = COMMAND_LINE) -> None:
        """Remove an account and end its sessions; the last admin stays."""
        with self._store.writing() as connection:
            self._keep_an_admin(connection, name)
            connection.execute("DELETE FROM accounts WHERE name = ?", (name,))
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))
            self._deeds.note(by, "account.remove", name, about=name)

    def give(self, name: str, role: Role, *, by: str = COMMAND_LINE) -> None:
        """Give an account another role, from its next click on; the last admin keeps theirs."""
        with self._store.writing() as connection:
            if role is not Role.ADMIN:
                self._keep_an_admin(connection, name)
            found = connection.execute("UPDATE accounts SET role = ? WHERE name = ?", (role, name))
            if found.rowcount == 0:
                raise _unknown(name)
            self._deeds.note(by, "account.role", f"{name} is {role} from now on", about=name)

    def reset(self, name: str, now: datetime, *, by: str = COMMAND_LINE) -> str:
        """Give an account a one-time password and return it; its sessions end, and it is not locked."""
        password = passwords.one_time()
        stored = passwords.hashed(password)
        with self._store.writing():
            self._set(name, stored, now, once=True)
            self._deeds.note(by, "account.reset", f"{name} has a one-time password", about=name)
        return password

    def choose(self, name: str, password: str, now: datetime) -> None:
        """Give an account the password that its owner chose; its sessions end.

        Raise `SettingsError` where it is too weak.
        """
        stored = passwords.hashed(passwords.chosen(password, name))
        with self._store.writing():
            self._set(name, stored, now, once=False)
            self._deeds.note(name, "account.password", f"{name} has chosen a password", about=name)

    def _set(self, name: str, stored: str, now: datetime, *, once: bool) -> None:
        with self._store.writing() as connection:
            found = connection.execute(
                "UPDATE accounts SET hash = ?, once = ?, changed_at = ? WHERE name = ?",
                (stored, once, to_number(now), name),
            )
            if found.rowcount == 0:
                raise _unknown(name)
            connection.execute("DELETE FROM sessions WHERE account = ?", (name,))
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))

    def _keep_an_admin(self, connection: sqlite3.Connection, name: str) -> None:
        row = connection.execute("SELECT role FROM accounts WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise _unknown(name)
        query = "SELECT count(*) FROM accounts WHERE role = ?"
        if row[0] == Role.ADMIN and connection.execute(query, (Role.ADMIN,)).fetchone()[0] == 1:
            raise SettingsError(f"{name!r} is the last admin: make another one first")


def _unknown(name: str) -> SettingsError:
    return SettingsError(f"there is no account {name!r}: 'vedette console user list' lists them")


def _account(row: tuple[str, str, int, int, int, int | None]) -> Account:
    name, role, is_ours, changed_at, made_at, signed_in_at = row
    try:
        signed_in = None if signed_in_at is None else to_time(signed_in_at)
        once = to_time(changed_at) + ONCE_LASTS if is_ours else None
        return Account(name, Role(role), once, to_time(made_at), signed_in)
    except (ValueError, OverflowError, OSError):
        raise SettingsError(f"the account {name!r} can't be read: remove it, and make it anew") from None
