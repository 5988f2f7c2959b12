"""What operators are told: one JSON object that reads by itself."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from .commands import Action
from .fields import VERSION, HostName, Message, Mode, Number, Sentence, Severity, Time, Uid
from .observations import Kind, OutcomeStatus
from .principals import PrincipalName

LOSS_DETECTORS = frozenset({"dropped", "missing", "spool-lost", "spool-went-back"})
"""Detectors whose alerts tell that observations of a host were lost."""


class Where(StrEnum):
    """What of an observation an indicator hit."""

    PROGRAM = "program"
    TITLE = "title"
    TITLE_END = "end of the title"
    TEXT = "copied text"
    ADDRESS = "connection"


class Match(Message):
    """The list's entry that hit: `subject` is what it hit, in canonical form."""

    type: Annotated[str, Field(max_length=16)]
    value: Sentence
    subject: Sentence
    where: Where
    list: Annotated[str, Field(max_length=255)]
    line: int
    comment: Sentence = ""


class Origin(Message):
    """The observation behind an alert: its place, and who was signed in."""

    principal: PrincipalName
    spool: str
    kind: Kind
    number: Number
    uid: Uid | None = None
    excerpt: Annotated[str, Field(max_length=300)] = ""


class Times(Message):
    """When each hop had it; `taken_at` and `ended_at` are the enforcer's, where a command followed.

    `seen_at`, `sent_at` and the enforcer's are in the host's clock, the analyzer's in the server's. What had
    to be approved waited for that, until `approved_at` by the server's clock.
    """

    seen_at: Time
    sent_at: Time
    received_at: Time
    judged_at: Time
    approved_at: Time | None = None
    taken_at: Time | None = None
    ended_at: Time | None = None


class FoundLater(Message):
    """How often the archive held what was listed later, and when it was seen, by the host's clock.

    What was told of when it was seen does not count.
    """

    count: Annotated[int, Field(ge=1)]
    first_seen_at: Time
    last_seen_at: Time


class State(StrEnum):
    """Where an alert stands: `final`, or `pending` until the enforcer has answered."""

    PENDING = "pending"
    FINAL = "final"


class Alert(Message):
    """One finding and what came of it.

    Where a command follows, the alert is published twice under one `id`: at once as `pending`, and as
    `final` with the outcome. `action` is what the policy decided on, `done` says in words what happened.
    `outcome` is how the host answered; there is none where no command followed, or nobody answered it.
    `found_later` tells of what the archive held when its entry came on a list: `origin` is the last of
    these observations, and no command follows.
    """

    version: Literal[1] = VERSION
    id: UUID
    state: State
    at: Time
    host: HostName
    severity: Severity
    detector: Annotated[str, Field(max_length=64)]
    summary: Sentence
    mode: Mode
    action: Action
    done: Sentence
    technique: Annotated[str, Field(max_length=16)] | None = None
    match: Match | None = None
    origin: Origin | None = None
    command_id: UUID | None = None
    outcome: OutcomeStatus | None = None
    times: Times | None = None
    found_later: FoundLater | None = None
