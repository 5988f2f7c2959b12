"""The thread that archives: many reports in each transaction."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from vedette_archive import (
    ArchiveDamagedError,
    ArchiveError,
    Batch,
    Books,
    Entry,
    Fate,
    Head,
    Retention,
    Stored,
    Writer,
)
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

from .faults import trace
from .grouping import put_into_incidents
from .losses import LossAlerts
from .upkeep import Upkeep
from .work import Heartbeat, Work

log = logging.getLogger(__name__)

FOLLOWER = "mqtt"
"""Under this name the archive keeps how far its alerts have been published."""

RETRY_SECONDS = 1.0


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

    def close(self, last: Entry | None = None) -> None:
        """End once what is being written is written, and put `last` into the audit if that can be done."""
        self._stopping.set()
        self._queue.put(Work())
        self._thread.join()
        if last is not None:
            try:
                self._writer.store(Batch(audit=(last,)))
            except ArchiveError as error:
                log.warning("the audit does not say that we have ended: %s", error)
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
