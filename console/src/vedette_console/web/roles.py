"""Who may do what. The one place that says so."""

from enum import StrEnum


class Role(StrEnum):
    """What an account is for; each may do what those before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"


class What(StrEnum):
    """What can be done at the console."""

    LOOK = "look"
    TRIAGE = "triage"
    """Acknowledge, own, resolve, suppress."""
    ACT = "act"
    """Approve, undo, block, isolate: what hosts are ordered to do."""
    OBSERVATIONS = "observations"
    """See what people copied and read, beyond what alerts show of it."""
    AUDIT = "audit"
    LISTS = "lists"
    ACCOUNTS = "accounts"


_LOWEST = {
    What.LOOK: Role.VIEWER,
    What.TRIAGE: Role.RESPONDER,
    What.ACT: Role.RESPONDER,
    What.OBSERVATIONS: Role.RESPONDER,
    What.AUDIT: Role.RESPONDER,
    What.LISTS: Role.ADMIN,
    What.ACCOUNTS: Role.ADMIN,
}
_ORDER = tuple(Role)


def may(role: Role, what: What) -> bool:
    """Tell whether an account with that role may do that."""
    return _ORDER.index(role) >= _ORDER.index(_LOWEST[what])
