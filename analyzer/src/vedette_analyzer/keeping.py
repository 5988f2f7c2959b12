"""What is to be archived, and the thread that archives it: many reports in each transaction."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from vedette_archive import (
    Answer,
    Approved,
    ArchivedAct,
    ArchiveDamagedError,
    ArchiveError,
    Batch,
    Books,
    Entry,
    Fate,
    Head,
    Hidden,
    Judged,
    OpenCommand,
    Retention,
    Run,
    Stored,
    Suppression,
    SuppressionEnded,
    SuppressionRecord,
    Told,
    Triaged,
    Undone,
    Writer,
)
from vedette_schemas import Alert, Life, Principal, Ranges, SpoolState, Stream
from vedette_transport import Call, Inbox
from vedette_transport.delivery import (
    ArchiveWentBack,
    Dropped,
    Fact,
    LostWithArchive,
    Missing,
    Reconciled,
    reconcile,
)
from vedette_transport.delivery import Batch as Taken

from .faults import trace
from .grouping import ClockMoved, put_into_incidents
from .losses import LossAlerts
from .upkeep import Upkeep

log = logging.getLogger(__name__)

FOLLOWER = "mqtt"
"""Under this name the archive keeps how far its alerts have been published."""

RETRY_SECONDS = 1.0
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


@dataclass(frozen=True, slots=True)
class Kept:
    """Work is archived: safe on the disk."""

    work: Work
    stored: Stored
    reconciled: tuple[Reconciled, ...]
    audit: Head


@dataclass(frozen=True, slots=True)
class NotKept:
    """Work could not be archived; it is tried again until it is, or `is_final`: nothing ever will be."""

    why: str
    is_final: bool = False


class Keeper:
    """Archives one piece of work after another, in a thread of its own, and removes what is old enough."""

    def __init__(self, writer: Writer, retention: Retention, inbox: Inbox) -> None:
        """Write through `writer`, which nobody else uses from now on; what became of it goes to `inbox`."""
        self._writer, self._inbox = writer, inbox
        self._queue: SimpleQueue[Work] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self._upkeep = Upkeep(writer, retention)
        self._ration = LossAlerts()
        self._kept_since = 0.0
        self.is_idle = True
        """Whether it waits for work. Only who gives it work asks, and sets it again upon a `Kept`."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def keep(self, work: Work) -> None:
        """Archive this next."""
        self.is_idle = False
        self._kept_since = time.monotonic()
        self._queue.put(work)

    @property
    def waiting_seconds(self) -> float:
        """How long the work that is not archived yet has waited; any thread may ask."""
        return 0.0 if self.is_idle else time.monotonic() - self._kept_since

    def close(self) -> None:
        """End once what is being written is written."""
        self._stopping.set()
        self._queue.put(Work())
        self._thread.join()
        self._writer.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                work = self._queue.get(timeout=self._upkeep.seconds_left)
            except Empty:
                self._upkeep.do_what_is_due(is_busy=False)
                continue
            if work and self._store(work):
                self._upkeep.more_came()
                self._upkeep.do_what_is_due(is_busy=True)

    def _store(self, work: Work) -> bool:
        said = ""
        while not self._stopping.is_set():
            try:
                kept = self._write(work)
            except ArchiveDamagedError as error:
                self._inbox.put(Call(NotKept(str(error), is_final=True)))
                return False
            except ArchiveError as error:
                if str(error) != said:
                    said = str(error)
                    self._inbox.put(Call(NotKept(said)))
                self._stopping.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 (a fault of ours must not end the archive)
                work.heartbeats.clear()  # what hosts tell of themselves must not keep others' reports out
                if not said:
                    said = f"a fault of ours: {type(error).__name__}"
                    log.error("the archive could not be written: %s", trace(error))  # noqa: TRY400
                    self._inbox.put(Call(NotKept(said)))
                self._stopping.wait(RETRY_SECONDS)
            else:
                self._inbox.put(Call(kept))
                return True
        return False

    def _write(self, work: Work) -> Kept:
        with self._writer.transaction() as books:
            stored = books.store(work.batch)
            put_into_incidents(books, work.alerts, stored, work.clock_moves)
            reconciled = tuple(
                found
                for beats in work.heartbeats.values()
                for beat in beats
                if (found := self._reconciled(beat, books)) is not None
            )
            if work.published is not None:
                books.followed(FOLLOWER, work.published)
            return Kept(work, stored, reconciled, books.audit_head)

    def _reconciled(self, beat: Heartbeat, books: Books) -> Reconciled | None:
        """Compare a heartbeat with the books as they stand now, and write down what it leads to."""
        name = str(beat.principal)
        books.heard(name, beat.life, beat.at, beat.words)
        found = reconcile(name, beat.told, books, beat.pending) if beat.told else None
        if found is None:
            return None
        books.keep(found.principal, found.sender, found.streams)
        _declare(found.facts, books)
        alerts = tuple(self._ration.alerts(found.facts, beat.principal, beat.at))
        if alerts:
            put_into_incidents(books, alerts, books.store(Batch(alerts=alerts)))
        return found


def _declare(facts: Sequence[Fact], books: Books) -> None:
    for fact in facts:
        match fact:
            case Dropped(stream, numbers):
                books.declare(stream, Fate.DROPPED, numbers)
            case Missing(stream, numbers):
                books.declare(stream, Fate.MISSING, numbers)
            case LostWithArchive(stream, numbers):
                books.declare(stream, Fate.LOST, numbers)
            case ArchiveWentBack(epochs):
                books.note_lost(epochs)
            case _:
                pass
