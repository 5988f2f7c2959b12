"""What goes into the archive in one transaction, and what of it was new."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from vedette_schemas import Action, Alert, Order, Severity, Stream

from .ranges import Range, Ranges

MAX_UNREADABLE = 16 * 1024
"""Bytes that are kept of an item that could not be read."""


class Observed(NamedTuple):
    """An observation: when its observer saw it, and the JSON that arrived."""

    seen_at: datetime
    body: str


class Unreadable(NamedTuple):
    """An item of a valid report that could not be read; the beginning of `raw` is kept."""

    reason: str
    raw: bytes


class Run(NamedTuple):
    """The items `first`, `first + 1`, … of one stream, as a report brought them."""

    stream: Stream
    first: int
    received_at: datetime
    items: tuple[Observed | Unreadable, ...]

    @property
    def span(self) -> Range:
        """The numbers of its items."""
        return Range(self.first, self.first + len(self.items) - 1)


class Place(NamedTuple):
    """The name of an observation."""

    stream: Stream
    number: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What a detector found in an observation, and the verdict; `key` tells it from its other findings."""

    place: Place
    key: str
    judged_at: datetime
    detector: str
    severity: Severity
    finding: str
    action: Action
    verdict: str


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """An order to an enforcer that waits for its outcome, in the server's time; `token` is it as signed.

    `alerts` are those it will settle; they are read, never stored by way of it.
    """

    id: UUID
    audience: str
    order: Order
    issued_at: datetime
    expires_at: datetime
    token: str | None = None
    alerts: tuple[Alert, ...] = ()


class Ending(StrEnum):
    """How a command ended: as its outcome says, or without one."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and the place of the outcome that says so."""

    command_id: UUID
    ending: Ending
    at: datetime
    outcome: Place | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a heartbeat told of a stream: it is part of opening `opening`, `next` is its next number."""

    stream: Stream
    opening: int
    next: int
    final: bool = False
    dropped: tuple[Range, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together or not at all."""

    runs: tuple[Run, ...] = ()
    findings: tuple[Judged, ...] = ()
    commands: tuple[OpenCommand, ...] = ()
    answers: tuple[Answer, ...] = ()
    alerts: tuple[Alert, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What of a batch was new; all of the batch is archived, new or not."""

    numbers: Mapping[Stream, Ranges] = field(default_factory=dict[Stream, Ranges])
    commands: tuple[UUID, ...] = ()
    answers: tuple[UUID, ...] = ()
    alerts: tuple[UUID, ...] = ()
