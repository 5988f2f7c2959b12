"""The first account: who starts a console signs in as its admin."""

from datetime import UTC, datetime

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
