"""What goes into the archive in one transaction, what of it was new, and what comes out again."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, cast
from uuid import UUID

from vedette_schemas import (
    Action,
    Alert,
    Life,
    MessageError,
    Order,
    Ranges,
    Severity,
    Stream,
    Unreadable,
    decode_alert,
)

from .chain import Entry
from .incident_rows import Triaged
from .suppressions import SuppressionRecord

MAX_UNREADABLE = 16 * 1024
"""Bytes that are kept of an item that could not be read."""


class Fate(StrEnum):
    """What became of a number of a stream: each ends as one of these."""

    ARCHIVED = "archived"
    DROPPED = "dropped"
    MISSING = "missing"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Run:
    """The observations `first`, `first + 1`, … of one stream, as a report brought them.

    `items` is one JSON array of `count` elements that we wrote ourselves: an observation as an object,
    `null` where it could not be read. What that was is `unreadable`, by its number.
    """

    stream: Stream
    first: int
    count: int
    received_at: datetime
    items: str
    unreadable: Mapping[int, Unreadable] = field(default_factory=dict[int, Unreadable])

    @property
    def numbers(self) -> Ranges:
        """The numbers of its items."""
        return Ranges.span(self.first, self.first + self.count - 1)


class Place(NamedTuple):
    """The name of an observation."""

    stream: Stream
    number: int


class Told(NamedTuple):
    """What a program said with its last heartbeat; `held` is how many observations waited in its spool."""

    version: str
    facts: Mapping[str, str]
    held: int


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
    """An order to an enforcer that waits for its outcome, in the server's time.

    One that `waits` is not sent before an operator approves it. `indicator` is the list's entry that led to
    it, `ordered_by` the operator who ordered or approved it, and `act` that operator's act as it was signed.
    `alerts` are those it will settle; they are read, never stored by way of it.
    """

    id: UUID
    audience: str
    order: Order
    issued_at: datetime
    expires_at: datetime
    waits: bool = False
    indicator: str | None = None
    ordered_by: str | None = None
    act: str | None = None
    alerts: tuple[Alert, ...] = ()


class Ending(StrEnum):
    """How a command ended: as its outcome says, or without one.

    `withdrawn`: an operator took it back before an outcome came.
    """

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ArchivedCommand(OpenCommand):
    """A command and how it ended; `ending` is `None` as long as it is open.

    `until` is how long what was done lasts. `undone_by` is who had it undone, and `lifted`
    tells whether the host has done so.
    """

    ending: Ending | None = None
    until: datetime | None = None
    undone_by: str | None = None
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, the place of the outcome that says so, and how long what was done lasts."""

    command_id: UUID
    ending: Ending
    at: datetime
    outcome: Place | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """A command that waited is to be carried out, within other times than it had; `act` is the approval."""

    command_id: UUID
    by: str
    at: datetime
    expires_at: datetime
    act: str


@dataclass(frozen=True, slots=True)
class Undone:
    """A command was undone; `until` is how long it would have lasted, as far as is known.

    `lifted`: the host has done so by itself, at its own console.
    """

    command_id: UUID
    by: str
    at: datetime
    until: datetime
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class ArchivedAct:
    """What an operator wanted done, when the server had it, what was answered, and the act as signed."""

    id: UUID
    issuer: str
    at: datetime
    kind: str
    done: bool
    words: str
    token: str
    command_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored together or not at all."""

    runs: tuple[Run, ...] = ()
    findings: tuple[Judged, ...] = ()
    commands: tuple[OpenCommand, ...] = ()
    answers: tuple[Answer, ...] = ()
    alerts: tuple[Alert, ...] = ()
    approvals: tuple[Approved, ...] = ()
    undone: tuple[Undone, ...] = ()
    acts: tuple[ArchivedAct, ...] = ()
    suppressing: tuple[SuppressionRecord, ...] = ()
    triaged: tuple[Triaged, ...] = ()
    audit: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What of a batch was new; all of the batch is archived or was settled before, new or not."""

    numbers: Mapping[Stream, Ranges] = field(default_factory=dict[Stream, Ranges])
    commands: tuple[UUID, ...] = ()
    answers: tuple[UUID, ...] = ()
    alerts: tuple[UUID, ...] = ()
    hidden: tuple[UUID, ...] = ()


class Counts(NamedTuple):
    """How much there is. `archived` counts all that ever came, `expired` what retention removed of it.

    What became of numbers counts on when their stream is removed; `streams` are those that are known.
    """

    streams: int
    archived: int
    expired: int
    dropped: int
    missing: int
    lost: int
    unreadable: int
    alerts: int
    commands: int
    open_commands: int


class ArchivedObservation(NamedTuple):
    """An observation with its name and when the server had it; `body` is the JSON that arrived."""

    received_at: datetime
    stream: Stream
    number: int
    body: str

    def fields(self) -> dict[str, object]:
        """Return what its JSON says; raise `MessageError` where something else changed it."""
        with suppress(ValueError, RecursionError):
            fields = json.loads(self.body)
            if isinstance(fields, dict):
                return cast("dict[str, object]", fields)
        raise _unreadable(f"observation {self.number} of {self.stream.kind} from {self.stream.principal}")


class Heard(NamedTuple):
    """A program as it was last heard, and what it told with its last heartbeat."""

    principal: str
    life: Life
    heard_at: datetime
    told: Told | None


class Cursor(NamedTuple):
    """How far a follower of the alerts has come, in which archive."""

    archive: str
    sequence: int


class FollowedAlert(NamedTuple):
    """An alert as it was told, and the cursor of who has seen it."""

    cursor: Cursor
    alert: Alert


def stored_alert(body: str) -> Alert:
    """Return an alert as it is stored; raise `MessageError` where something else changed it."""
    try:
        return decode_alert(body.encode())
    except MessageError as error:
        raise _unreadable(f"an alert ({error})") from None


def _unreadable(what: str) -> MessageError:
    return MessageError(
        f"{what} can't be read: something else changed the archive; 'vedette archive check' tells more"
    )
