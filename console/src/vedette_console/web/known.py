"""Browsers in which somebody has signed in before: nobody else's failures keep them out.

A mark is made with what is stored for the account's password, so that a new password ends all marks.
"""

import hashlib
import hmac
import secrets

LIFE_SECONDS = 180 * 86_400


def mark(name: str, stored: str) -> str:
    """Return a new mark of an account's, for a cookie."""
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{_proof(nonce, name, stored)}"


def is_mark(text: str, name: str, stored: str | None) -> bool:
    """Tell whether it is a mark that this account was given since it has this password."""
    nonce, _, proof = text.partition(".")
    return stored is not None and hmac.compare_digest(proof.encode(), _proof(nonce, name, stored).encode())


def counted_as(text: str) -> str:
    """Return under which name failures of a browser with that mark are counted."""
    return f"known {hashlib.sha256(text.encode()).hexdigest()}"


def _proof(nonce: str, name: str, stored: str) -> str:
    return hmac.new(stored.encode(), f"known {nonce} {name}".encode(), hashlib.sha256).hexdigest()
