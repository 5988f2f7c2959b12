"""How observations travel: a report is a run of one stream."""

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from .fields import VERSION, Message, Nonce, Number, Time
from .observations import AnyObservation, Kind
from .principals import PrincipalName

MAX_ITEMS = 50
"""Observations in one report."""


class Stream(NamedTuple):
    """Observations of one kind from one opening of one program's spool, numbered from 1."""

    principal: str
    spool: str
    kind: str


class Report(Message):
    """The observations `first`, `first + 1`, … of one stream."""

    version: Literal[1] = VERSION
    sender: PrincipalName
    spool: Nonce
    kind: Kind
    first: Number
    sent_at: Time
    items: Annotated[tuple[AnyObservation, ...], Field(min_length=1, max_length=MAX_ITEMS)]

    @property
    def stream(self) -> Stream:
        """The stream that this is a run of."""
        return Stream(self.sender, self.spool, self.kind)

    @model_validator(mode="after")
    def _items_are_of_its_kind(self) -> Self:
        if any(item.kind != self.kind for item in self.items):
            raise ValueError("an item is not of the report's kind")
        return self
