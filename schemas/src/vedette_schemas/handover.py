"""What passes between a user's session and the host's root programs, a JSON line each.

Session to sensor: `Hello`, then `Handover`s, each answered by `Taken` once it is safe.
Enforcer to session: `Notice`s, each answered by `Shown`.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from .fields import Message, Nonce, Number
from .observations import ClipboardCopied, WindowFocused

MAX_LINE = 192 * 1024
"""Bytes of a line beyond which the other end is cut off: a full clipboard of control characters fits."""

_Words = Annotated[str, Field(max_length=300)]


class Hello(Message):
    """A session begins: `nonce` is drawn anew by each, `sources` says what it watches, or why not."""

    nonce: Nonce
    sources: Annotated[dict[Annotated[str, Field(max_length=32)], _Words], Field(max_length=8)]


class Handover(Message):
    """One observation; `sequence` counts from 1 in each session, so that a repeat is known."""

    sequence: Number
    observation: Annotated[WindowFocused | ClipboardCopied, Field(discriminator="kind")]


class Taken(Message):
    """The sensor has all up to this sequence."""

    sequence: Number


class Notice(Message):
    """Something to show the user."""

    id: UUID
    title: Annotated[str, Field(max_length=100)]
    text: Annotated[str, Field(max_length=400)]


class Shown(Message):
    """Whether the notice was shown, and if not why."""

    id: UUID
    problem: _Words | None = None
