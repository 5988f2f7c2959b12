"""What operators do about alerts that they know to be false: suppress them for some time, lift that early."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import StringConstraints, model_validator

from .commands import Ttl
from .fields import HostName, Message

MAX_REASON = 200
MAX_ENTRY = 800
"""Characters of a reason and of an entry: with both, an act is as short as it has to be."""

_LINE = r"^[^\x00-\x1f\x7f]*$"


class ListEntry(Message):
    """An entry, in whichever lists it stands: its type and its value, as written or in canonical form."""

    type: Annotated[str, StringConstraints(pattern=r"^[a-z:]{1,16}$")]
    value: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ENTRY, pattern=_LINE)]


class Scope(Message):
    """What a suppression covers: that for which all hold that are named, one at least."""

    host: HostName | None = None
    detector: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    indicator: ListEntry | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.host is None and self.detector is None and self.indicator is None:
            raise ValueError("a suppression names a host, a detector or an indicator")
        return self


class Suppress(Message):
    """Tell nobody of what is found within `scope`, and do nothing about it, for so many seconds."""

    kind: Literal["suppress"] = "suppress"
    scope: Scope
    ttl_seconds: Ttl
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern=_LINE)
    ]


class Lift(Message):
    """End the suppression that the act `suppression_id` began."""

    kind: Literal["lift"] = "lift"
    suppression_id: UUID
