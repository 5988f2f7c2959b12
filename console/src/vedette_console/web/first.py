"""The first account: who starts a console at a terminal signs in as its admin."""

from datetime import UTC, datetime
from typing import TextIO

from .accounts import Accounts
from .roles import Role

FIRST = "admin"


def first_password(accounts: Accounts) -> str | None:
    """Return the password by which the first admin signs in; `None` once somebody has chosen one.

    One that nobody has used is replaced: only who starts the console now has seen it.
    """
    known, now = accounts.everyone(), datetime.now(UTC)
    if not known:
        return accounts.add(FIRST, Role.ADMIN, now)
    only = known[0]
    if len(known) == 1 and only.name == FIRST and only.once and only.signed_in_at is None:
        return accounts.reset(FIRST, now)
    return None


def how_to_begin(accounts: Accounts, out: TextIO) -> str:
    """Return how the first to sign in does so, behind the console's address.

    A password is told to a terminal alone: what else there may be keeps it, a log for example.
    """
    if not out.isatty():
        return "" if accounts.everyone() else ", first: vedette console user add NAME --role admin"
    password = first_password(accounts)
    return "" if password is None else f", sign in as '{FIRST}', once with: {password}"
