"""Signed tokens taken apart and put together anew, as an attacker does."""

import base64
import json
from typing import Any


def encoded(part: bytes) -> str:
    """Return a part as a token has it."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """Return what a part of a token stands for."""
    return base64.urlsafe_b64decode(part + "==")


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a token."""
    header: dict[str, Any] = json.loads(decoded(token.partition(".")[0]))
    return header


def with_header(token: str, **changed: object) -> str:
    """Return the token with another header (`None` takes a field out), and the signature that it had."""
    header = {name: value for name, value in (header_of(token) | changed).items() if value is not None}
    return ".".join([encoded(json.dumps(header).encode()), *token.split(".")[1:]])
