"""How observations travel: a report is a run of one stream, an ack says what of it is archived."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from .fields import VERSION, Message, Nonce, Number, Time
from .observations import AnyObservation, Kind, Observation
from .principals import PrincipalName

MAX_ITEMS = 50
"""Observations in one report."""

MAX_REPORT = 128 * 1024
"""Bytes of observations in one report; one observation alone may be more."""

MAX_STREAMS = 64
MAX_RANGES = 64
"""Streams in one ack or heartbeat, and ranges of each: all of them together fit a payload."""


def _first_to_last(numbers: tuple[int, int]) -> tuple[int, int]:
    if numbers[0] > numbers[1]:
        raise ValueError("a range that ends before it begins")
    return numbers


Range = Annotated[tuple[Number, Number], AfterValidator(_first_to_last)]
"""The numbers from the first to the last, both included."""


class Stream(NamedTuple):
    """Observations of one kind from one opening of one program's spool, numbered from 1."""

    principal: str
    spool: str
    kind: str


class Envelope(Message):
    """What a report says besides its items: from which stream they are, and the number of the first."""

    version: Literal[1] = VERSION
    sender: PrincipalName
    spool: Nonce
    kind: Kind
    first: Annotated[int, Field(ge=1, le=2**63 - 1 - MAX_ITEMS)]
    sent_at: Time

    @property
    def stream(self) -> Stream:
        """The stream that this is a run of."""
        return Stream(self.sender, self.spool, self.kind)


class Report(Envelope):
    """The observations `first`, `first + 1`, … of one stream."""

    items: Annotated[tuple[AnyObservation, ...], Field(min_length=1, max_length=MAX_ITEMS)]

    @model_validator(mode="after")
    def _items_are_of_its_kind(self) -> Self:
        if any(item.kind != self.kind for item in self.items):
            raise ValueError("an item is not of the report's kind")
        return self


class Unreadable(NamedTuple):
    """An item that is no observation of its report's kind: why, and the item itself as JSON."""

    reason: str
    raw: bytes


class Arrived(NamedTuple):
    """A report as it came in: what is no observation in it stands among those that are."""

    envelope: Envelope
    items: tuple[Observation | Unreadable, ...]


class AckedStream(Message):
    """What of one stream is archived.

    `closed` is the next number of a stream that is over and settled: a sender whose stream is final and
    ends at that very number may forget it.
    """

    spool: Nonce
    kind: Kind
    ranges: Annotated[tuple[Range, ...], Field(max_length=MAX_RANGES)] = ()
    closed: Number | None = None


class Position(Message):
    """A place in the life of an archive: how many commits it had seen in the epoch of this name.

    An epoch begins each time an analyzer opens the archive, under a name never used before.
    """

    epoch: Nonce
    commits: Annotated[int, Field(ge=0, le=2**63 - 1)]


class Ack(Message):
    """What is archived for good, to its sender; `archive` is where the archive stood when it was said."""

    version: Literal[1] = VERSION
    audience: PrincipalName
    archive: Position
    streams: Annotated[tuple[AckedStream, ...], Field(min_length=1, max_length=MAX_STREAMS)]
