"""What the interface says, beyond the messages themselves."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from vedette_archive import Events, Query
from vedette_schemas import Alert, Wanted

from ...host_rows import Row
from ...results import Came
from ..standing import Action


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Said):
    """Why something was not answered; for people."""

    words: str


class AlertsAsked(Query):
    """Which alerts are wanted: all that is said must hold; of several values, one.

    Alerts alone: whether something was seen must not be found out by who may not see it.
    """

    events: Literal[Events.ALERTS] = Events.ALERTS  # pyright: ignore[reportIncompatibleVariableOverride] (frozen)
    after: Annotated[str | None, Field(max_length=80, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100

    def query(self) -> Query:
        """Return the question without the place; raise `QueryError` where it makes no sense."""
        return Query.of(self.model_dump(exclude={"after", "limit"}))


class AlertsFound(_Said):
    """Alerts, newest first. With a `next` there may be older ones, even where this page has none."""

    alerts: tuple[Alert, ...]
    next: str | None
    reached: datetime | None


class Host(_Said):
    """A host as it was last heard; `marks` are what should be looked at, in words."""

    host: str
    heard_at: datetime | None
    versions: tuple[str, ...]
    spool: int | None
    lost: dict[str, int]
    certificate_ends_at: datetime | None
    revoked: bool
    marks: tuple[str, ...]
    facts: dict[str, dict[str, str]]

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return what is said of a host."""
        return cls(
            host=row.host,
            heard_at=row.heard_at,
            versions=tuple(row.versions),
            spool=row.held,
            lost=row.lost,
            certificate_ends_at=row.ends_at,
            revoked=row.is_revoked,
            marks=tuple(row.marks),
            facts={principal: dict(facts) for principal, facts in row.facts.items()},
        )


class Ordered(_Said):
    """An order to a host, and how it stands; `order` is what an approval names."""

    id: str
    host: str
    action: str
    target: str
    state: str
    waits: bool
    issued_at: datetime
    ends_at: datetime | None
    ordered_by: str
    indicator: str
    said: str
    order: str

    @classmethod
    def of(cls, action: Action) -> Self:
        """Return what is said of an order."""
        return cls(
            id=action.id,
            host=action.host,
            action=action.verb,
            target=action.target,
            state=action.state,
            waits=action.waits,
            issued_at=action.issued_at,
            ends_at=action.ends_at,
            ordered_by=action.by,
            indicator=action.why,
            said=action.said,
            order=action.digest,
        )


class ToDo(_Said):
    """What is to be done. It is signed by the console in the name of the token."""

    what: Annotated[Wanted, Field(discriminator="kind")]


class Done(_Said):
    """What came of an act: `unanswered` is what the host has not answered yet."""

    state: Came
    words: str
    host: str
    command_id: str | None
