"""What each program says about itself: every 30 s, when it ends, and by last will when it does not."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .fields import VERSION, Message, Nonce, Number, Time
from .observations import Kind
from .principals import PrincipalName
from .reports import MAX_RANGES, MAX_STREAMS, Position, Range

HEARTBEAT_SECONDS = 30.0

_Word = Annotated[str, Field(max_length=32)]
_Words = Annotated[str, Field(max_length=300)]


class Life(StrEnum):
    """How a program is: running, ended in order, or cut off (its last will says so)."""

    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


class StreamState(Message):
    """How a stream that is not closed stands at its sender.

    `ordinal` is its opening's; `final` says that the opening is over and `next` is the end. What is below
    `oldest` is no longer held: it is archived, or it is in `dropped`, which may take in archived numbers.
    """

    spool: Nonce
    kind: Kind
    ordinal: Number
    final: bool
    next: Number
    oldest: Number
    dropped: Annotated[tuple[Range, ...], Field(max_length=MAX_RANGES)] = ()

    @model_validator(mode="after")
    def _holds_nothing_beyond_its_end(self) -> Self:
        if self.oldest > self.next:
            raise ValueError("the oldest held is beyond the next number")
        return self


MAX_HEARD = 16


class SpoolState(Message):
    """How a sender's spool stands: a heartbeat's part in reconciliation.

    `spool` and `ordinal` are those of the opening that speaks, `number` counts its heartbeats from 1.
    `complete` is false where there are more streams than are told. `heard` are the archive's positions in
    the acks that came last.
    """

    spool: Nonce
    ordinal: Number
    number: Number
    complete: bool
    streams: Annotated[tuple[StreamState, ...], Field(max_length=MAX_STREAMS)] = ()
    heard: Annotated[tuple[Position, ...], Field(max_length=MAX_HEARD)] = ()


class Status(Message):
    """A heartbeat, a farewell or a last will.

    `connection` is drawn anew at each connect, so that an old connection's will says nothing about the
    new one. `at` is the sender's clock. `facts` are what the program can and can't do here, by name:
    `on …` or `off: why`, in words for the operator. `delivery` is how the spool of a program that reports
    stands.
    """

    version: Literal[1] = VERSION
    principal: PrincipalName
    connection: Nonce
    life: Life
    number: Number
    at: Time
    program_version: Annotated[str, Field(max_length=32)]
    facts: Annotated[dict[_Word, _Words], Field(max_length=32)] = Field(default_factory=dict)
    delivery: SpoolState | None = None
