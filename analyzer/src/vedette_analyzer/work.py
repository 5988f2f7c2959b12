"""What is to be archived: all of it together, or none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from vedette_archive import (
    Answer,
    Approved,
    ArchivedAct,
    Batch,
    Entry,
    Hidden,
    Judged,
    OpenCommand,
    Run,
    Suppression,
    SuppressionEnded,
    SuppressionRecord,
    Told,
    Triaged,
    Undone,
)
from vedette_schemas import Alert, Life, Principal, Ranges, SpoolState, Stream
from vedette_transport.delivery import Batch as Taken

from .grouping import ClockMoved

_MOST_OPENINGS = 4

Record = (
    Judged
    | OpenCommand
    | Answer
    | Alert
    | Approved
    | Undone
    | ArchivedAct
    | SuppressionRecord
    | Triaged
    | Entry
)
"""What is archived as it came about, beside what is counted below."""

_STORED = [each.name for each in fields(Batch)]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a program told of itself, and what of its streams was judged and not archived by then.

    `version` and `facts` are its own words: a last will, which is as old as its connection, has none.
    """

    principal: Principal
    life: Life
    at: datetime
    told: SpoolState | None
    pending: dict[Stream, Ranges]
    version: str = ""
    facts: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def words(self) -> Told | None:
        """What is kept of it, to be shown; only a heartbeat says how full a spool is."""
        if self.life is not Life.RUNNING:
            return None
        held = sum(stream.next - stream.oldest for stream in self.told.streams) if self.told else 0
        return Told(self.version, self.facts, held)


@dataclass(frozen=True, slots=True)
class Then:
    """Something to do once all that came before it is archived."""

    do: Callable[[], None]


@dataclass(slots=True)
class Work:
    """What is archived together or not at all."""

    taken: Taken = field(default_factory=Taken)
    runs: list[Run] = field(default_factory=list[Run])
    findings: list[Judged] = field(default_factory=list[Judged])
    commands: list[OpenCommand] = field(default_factory=list[OpenCommand])
    answers: list[Answer] = field(default_factory=list[Answer])
    alerts: list[Alert] = field(default_factory=list[Alert])
    approvals: list[Approved] = field(default_factory=list[Approved])
    undone: list[Undone] = field(default_factory=list[Undone])
    acts: list[ArchivedAct] = field(default_factory=list[ArchivedAct])
    suppressing: list[SuppressionRecord] = field(default_factory=list[SuppressionRecord])
    triaged: list[Triaged] = field(default_factory=list[Triaged])
    audit: list[Entry] = field(default_factory=list[Entry])
    clock_moves: list[ClockMoved] = field(default_factory=list[ClockMoved])
    heartbeats: dict[Principal, list[Heartbeat]] = field(default_factory=dict[Principal, list[Heartbeat]])
    published: int | None = None
    then: list[Then] = field(default_factory=list[Then])

    def __bool__(self) -> bool:
        others = self.heartbeats or self.clock_moves or self.then or self.published is not None
        return bool(others or any(getattr(self, name) for name in _STORED))

    @property
    def batch(self) -> Batch:
        """What of it is stored as it is."""
        return Batch(**{name: tuple(getattr(self, name)) for name in _STORED})

    def clock_moved(self, by: timedelta, before: datetime) -> None:
        """Take in that the clock was set; what comes from now on is of after that."""
        self.clock_moves.append(ClockMoved(by, before, len(self.alerts)))

    def hear(self, beat: Heartbeat) -> None:
        """Add a heartbeat in the place of an older one of the same opening; of a flood the last few count."""
        opening = beat.told and beat.told.spool
        others = [
            other
            for other in self.heartbeats.get(beat.principal, ())
            if opening is None or other.told is None or other.told.spool != opening
        ]
        self.heartbeats[beat.principal] = [*others, beat][-_MOST_OPENINGS:]

    def add(self, record: Record | Run | Then) -> None:
        """Put a record among its like."""
        getattr(self, _LIKE[type(record)]).append(record)


_LIKE: dict[type, str] = {
    Run: "runs",
    Then: "then",
    Judged: "findings",
    OpenCommand: "commands",
    Answer: "answers",
    Alert: "alerts",
    Approved: "approvals",
    Undone: "undone",
    ArchivedAct: "acts",
    Suppression: "suppressing",
    SuppressionEnded: "suppressing",
    Hidden: "suppressing",
    Triaged: "triaged",
    Entry: "audit",
}
"""Among what in a `Work` a record goes."""
