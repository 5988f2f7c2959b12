"""Signing in: slow for who guesses, locked for a while after too many failures."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from ..ca.limits import Failures
from . import passwords
from .accounts import Account, Accounts
from .deeds import Deeds
from .known import counted_as, is_mark, mark
from .store import Store, to_number, to_time

FREE = 5
"""Failures of an account that cost nothing; each one more locks it twice as long."""

_FIRST, _LONGEST = timedelta(seconds=15), timedelta(minutes=15)
_FORGOTTEN = timedelta(hours=1)
_MOST_NAMES = 10_000
_AT_ONCE, _MOST_WAITING = 2, 100
"""Attempts that are looked at, and that wait for it: those who are signed in do not wait for them."""


class Refused(NamedTuple):
    """Somebody was not let in; `wait` is how many seconds nobody is, under that name or from there."""

    words: str
    wait: float = 0.0


class SignIn:
    """Lets people in. Whether there is such an account shows neither in words, time nor lock-out."""

    def __init__(
        self, store: Store, accounts: Accounts, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep the failures of each name in the store, those of each address in memory."""
        self._store, self._accounts, self._now = store, accounts, now
        self._addresses = Failures(burst=20, seconds=15.0)
        self._lock = threading.Lock()
        self._turns, self._waiting = asyncio.Semaphore(_AT_ONCE), 0

    async def come(self, name: str, password: str, address: str, known_by: str = "") -> Account | Refused:
        """Attempt it when it is its turn; only from the loop's thread."""
        if self._waiting >= _MOST_WAITING:
            return Refused("Too many people want in just now. Try again in some seconds.", 5.0)
        self._waiting += 1
        try:
            async with self._turns:
                return await run_in_threadpool(self.attempt, name, password, address, known_by)
        finally:
            self._waiting -= 1

    def attempt(self, name: str, password: str, address: str, known_by: str = "") -> Account | Refused:
        """Return the account if that is its password.

        Each attempt counts as a failure until it is known to be none: many at once are not more guesses.
        A browser that is `known_by` a mark of that account has failures of its own.
        """
        name, moment = name.strip().lower()[:64], time.monotonic()
        stored = self._accounts.stored_hash(name)
        is_known = is_mark(known_by, name, stored)
        counted = counted_as(known_by) if is_known else name
        with self._lock:
            wait = self._locked(counted)
            if not is_known:
                wait = max(wait, self._addresses.wait(address, moment))
            if wait > 0:
                return _too_many(wait)
            self._addresses.count(address, moment)
            failures = self._count(counted)
        if passwords.is_right(password, stored):
            account = self._accounts.account(name)
            if account is not None:
                with self._lock:
                    self._addresses.forgive(address, time.monotonic())
                self._forget(counted)
                if account.once is not None and account.once <= self._now():
                    return Refused("This one-time password has ended. Ask an admin for another one.")
                return account
        self._note(name, failures, f"somebody from {address}")
        return Refused("Name or password is wrong.")

    def mark(self, name: str) -> str:
        """Return by what the browser of somebody who was let in is known the next time."""
        return mark(name, self._accounts.stored_hash(name) or "")

    def check(self, name: str, password: str) -> str:
        """Return why that is not the password of an account that is signed in; empty where it is.

        It counts as if they signed in: who has found a session must not guess what it was begun with.
        """
        with self._lock:
            wait = self._locked(name)
            if wait > 0:
                return _too_many(wait).words
            failures = self._count(name)
        if passwords.is_right(password, self._accounts.stored_hash(name)):
            self._forget(name)
            return ""
        self._note(name, failures, name)
        return "The present password is wrong."

    def _locked(self, name: str) -> float:
        """Return for how many seconds nobody is let in under a name."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT count, at FROM failures WHERE name = ?", (name,)).fetchone()
        if row is None or row[0] < FREE:
            return 0.0
        length = min(_FIRST * 2 ** min(row[0] - FREE, 10), _LONGEST)
        left = to_time(row[1]) + length - self._now()
        longest = min(left, length)  # no longer, should the clock have been set back
        return max(0.0, float(longest.total_seconds()))

    def _count(self, name: str) -> int:
        """Count a failure, and return how many there are."""
        now = self._now()
        with self._store.writing() as connection:
            connection.execute("DELETE FROM failures WHERE at < ?", (to_number(now - _FORGOTTEN),))
            connection.execute(
                "DELETE FROM failures WHERE name IN"
                " (SELECT name FROM failures ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (_MOST_NAMES - 1,),
            )
            connection.execute(
                "INSERT INTO failures (name, count, at) VALUES (?, 1, ?)"
                " ON CONFLICT (name) DO UPDATE SET count = count + 1, at = excluded.at",
                (name, to_number(now)),
            )
            query = "SELECT count FROM failures WHERE name = ?"
            return int(connection.execute(query, (name,)).fetchone()[0])

    def _note(self, name: str, failures: int, who: str) -> None:
        """Put down that a name is locked; who tried may be somebody else than its owner."""
        if failures == FREE:
            words = f"nobody is let in as {name!r} for a while: {FREE} wrong passwords"
            Deeds(self._store).note(who, "session.locked", words, about=name)

    def _forget(self, name: str) -> None:
        with self._store.writing() as connection:
            connection.execute("DELETE FROM failures WHERE name = ?", (name,))


def _too_many(wait: float) -> Refused:
    return Refused(f"Too many attempts. Try again in {_in_words(wait)}.", wait)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
