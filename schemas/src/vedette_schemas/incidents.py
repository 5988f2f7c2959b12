"""Incidents, as operators tell where they stand."""

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from .fields import Message

MAX_TRIAGED = 50
"""Incidents in one act: as many as a signed act has room for."""

Owner = Annotated[str, StringConstraints(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._@-]{0,62})?$")]
"""Whose an incident is: an operator's or an account's name; empty: nobody's."""


class IncidentStatus(StrEnum):
    """Where an incident stands: nobody has looked, somebody does, it is dealt with."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Triage(Message):
    """Say where incidents stand and whose they are; what is `None` stays as it is.

    Whoever acknowledges or resolves what is nobody's becomes its owner. `note` is for whoever looks later.
    """

    kind: Literal["incident"] = "incident"
    incident_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MAX_TRIAGED)]
    status: IncidentStatus | None = None
    owner: Owner | None = None
    note: Annotated[str, StringConstraints(max_length=300)] = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.status is None and self.owner is None and not self.note:
            raise ValueError("neither a status nor an owner nor a note")
        return self
