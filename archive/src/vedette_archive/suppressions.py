"""What operators suppressed, as it goes into the archive and comes out of it."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from vedette_schemas import Alert

_SHOWN = 300
"""Characters of an entry that are shown."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Alerts are hidden for which all of `host`, `detector` and `indicator` hold that are named.

    `id` is that of the act which wanted it. `indicator` is a list's entry, as a command has it.
    """

    id: UUID
    author: str
    reason: str
    since: datetime
    until: datetime
    host: str | None = None
    detector: str | None = None
    indicator: str | None = None

    @property
    def covers(self) -> str:
        """Return what it covers, for people: "host evil.test of listed-window on host-7"."""
        where = "all hosts" if self.host is None else self.host
        if self.indicator is None:
            return f"all that {self.detector or 'any detector'} finds on {where}"
        entry = self.indicator.replace("|", " ", 1)[:_SHOWN]
        return f"{entry} on {where}" if self.detector is None else f"{entry} of {self.detector} on {where}"


@dataclass(frozen=True, slots=True)
class SuppressionEnded:
    """A suppression is over: lifted `by` somebody, or, without one, because its time was."""

    suppression_id: UUID
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """An alert as it would have been told, and the suppression that hid it."""

    suppression_id: UUID
    alert: Alert


SuppressionRecord = Suppression | SuppressionEnded | Hidden
"""What is stored, in the order that it came."""


@dataclass(frozen=True, slots=True)
class ArchivedSuppression(Suppression):
    """A suppression, how it ended, and how many alerts it has hidden so far."""

    ended_at: datetime | None = None
    ended_by: str | None = None
    hidden: int = 0
    last_hidden_at: datetime | None = None

    @property
    def begun(self) -> Suppression:
        """What was begun, without what came of it."""
        return Suppression(*(getattr(self, field.name) for field in fields(Suppression)))
