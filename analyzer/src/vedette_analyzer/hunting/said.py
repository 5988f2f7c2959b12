"""What a hunt tells the analyzer: a JSON line each."""

from typing import Annotated, Literal

from pydantic import Field
from vedette_schemas import HostName, Message, Origin, Severity
from vedette_schemas.alerts import FoundLater

from ..finding import Finding


class Hit(Message):
    """An entry and a host that it should have been told of: the last finding, and how often there was one."""

    kind: Literal["hit"] = "hit"
    host: HostName
    finding: Finding
    severity: Severity
    origin: Origin
    found: FoundLater


class Progress(Message):
    """How far a hunt for so many entries is: `share` is from 0 to 1."""

    kind: Literal["progress"] = "progress"
    entries: int
    share: float


class Ended(Message):
    """A hunt is over: what was looked at and found; `untold` hosts and entries were too many to be told."""

    kind: Literal["ended"] = "ended"
    entries: int
    observations: int
    hits: int
    untold: int = 0


class Line(Message):
    """One line of what a hunt says."""

    said: Annotated[Hit | Progress | Ended, Field(discriminator="kind")]
