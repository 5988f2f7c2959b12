"""Who is signed in: a secret in a cookie, of which only the hash is kept here."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from .store import Store, to_number

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
"""A session ends when it was not used for so long, and after so long in any case."""

_NOTED_EACH = timedelta(minutes=1)
_MOST_OF_ONE = 50


class Sessions:
    """The sessions in the console's database; they outlive its process."""

    def __init__(self, store: Store) -> None:
        """Keep them there."""
        self._store = store

    def begin(self, account: str, now: datetime) -> str:
        """Begin one and return its secret; of one account the last 50 stay."""
        secret = secrets.token_urlsafe(32)
        number = to_number(now)
        with self._store.writing() as connection:
            connection.execute(
                "DELETE FROM sessions WHERE used_at < ? OR began_at < ?",
                (to_number(now - IDLE), to_number(now - LONGEST)),
            )
            connection.execute(
                "DELETE FROM sessions WHERE account = ? AND secret NOT IN (SELECT secret FROM sessions"
                " WHERE account = ? ORDER BY used_at DESC LIMIT ?)",
                (account, account, _MOST_OF_ONE - 1),
            )
            connection.execute(
                "INSERT INTO sessions (secret, account, began_at, used_at) VALUES (?, ?, ?, ?)",
                (_digest(secret), account, number, number),
            )
            connection.execute("UPDATE accounts SET signed_in_at = ? WHERE name = ?", (number, account))
        return secret

    def account(self, secret: str, now: datetime) -> str | None:
        """Return whose session that is, if it has not ended; it counts as used, by the minute."""
        with self._store.reading() as connection:
            row = connection.execute(
                "SELECT account, used_at FROM sessions WHERE secret = ? AND used_at >= ? AND began_at >= ?",
                (_digest(secret), to_number(now - IDLE), to_number(now - LONGEST)),
            ).fetchone()
        if row is None:
            return None
        if row[1] < to_number(now - _NOTED_EACH):
            used = "UPDATE sessions SET used_at = ? WHERE secret = ?"
            self._store.write_if_possible(used, (to_number(now), _digest(secret)))
        return str(row[0])

    def end(self, secret: str) -> None:
        """End a session."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM sessions WHERE secret = ?", (_digest(secret),))


def form_token(secret: str) -> str:
    """Return what a form carries to show that it came from a page of ours, made for that cookie."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def is_form_token(text: str, secret: str) -> bool:
    """Tell whether a form came from a page made for that cookie."""
    return hmac.compare_digest(text.encode(), form_token(secret).encode())


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
