"""The deployment's certificate authority."""

from .folder import SETTINGS, CaSettings, make_ca, open_register, published_ca
from .register import Entry, Register
from .tokens import enrol, revoke

__all__ = [
    "SETTINGS",
    "CaSettings",
    "Entry",
    "Register",
    "enrol",
    "make_ca",
    "open_register",
    "published_ca",
    "revoke",
]
