"""Comparing a heartbeat's account of a spool with the archive's books: what is lost, and who says so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from vedette_schemas import (
    MAX_HEARD,
    NOTHING,
    AckedStream,
    Position,
    Ranges,
    SenderRecord,
    SpoolState,
    Stream,
    StreamRecord,
    StreamState,
)

from .facts import ArchiveWentBack, Dropped, Fact, LostWithArchive, Missing, Vanished, WentBack
from .ledger import Ledger

PATIENCE = 4
"""Heartbeats in a row that must leave out a stream of unknown age before it counts as vanished: more than
can be under way when a program that has begun the stream follows one that beats no more."""

MAX_KNOWN = 256
"""Streams of one sender that are known and not over: who may report must not be able to fill the books with
names. An honest sender's further streams are taken up as others are closed."""

_OPENINGS = 16
_LOST = 2 * MAX_HEARD


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a heartbeat leads to: facts and new records, to be archived together; then what is closed."""

    principal: str
    sender: SenderRecord
    streams: dict[Stream, StreamRecord]
    facts: tuple[Fact, ...]
    closed: tuple[AckedStream, ...]


def reconcile(
    principal: str,
    told: SpoolState,
    ledger: Ledger,
    pending: Mapping[Stream, Ranges],
    most: int = MAX_KNOWN,
) -> Reconciled | None:
    """Compare; `None` if a later heartbeat of the same opening was heard already.

    `pending` is what of its streams is judged and not yet committed: nothing is said about that. Of streams
    not heard of before, none is recorded that would make more than `most`.
    """
    sender = ledger.sender(principal)
    if told.number <= dict(sender.beats).get(told.spool, 0):
        return None
    lost = _newly_lost(told, sender, ledger)
    unknown = tuple(position.epoch for position in lost if not ledger.is_known_lost(position.epoch))
    facts: list[Fact] = [ArchiveWentBack(unknown)] if unknown else []
    streams: dict[Stream, StreamRecord] = {}
    closed: list[AckedStream] = []
    held_back = not told.complete
    due = {*ledger.streams_due(principal), *pending}
    room = most - len(due)
    for state in told.streams:
        stream = Stream(principal, state.spool, str(state.kind))
        known = streams.get(stream) or ledger.stream(stream)  # who lies may tell of one twice
        if known == StreamRecord() and stream not in due:
            room -= 1
            if room < 0:
                held_back = True
                continue
        waiting = pending.get(stream, NOTHING)
        account = _Account(stream, state, known, waiting, archive_lost=bool(lost))
        facts += account.facts()
        streams[stream] = account.record()
        if account.is_over:
            closed.append(AckedStream(spool=state.spool, kind=state.kind, closed=state.next))
    for stream in set(ledger.streams_due(principal)) - set(streams) if told.complete else ():
        if pending.get(stream):
            held_back = True
            continue
        record = _left_out(stream, told, ledger.stream(stream), archive_lost=bool(lost))
        streams[stream] = record
        if record.vanished and not lost:
            missing = Ranges.span(record.floor, record.known - 1) - record.archived
            facts.append(Vanished(stream, missing, after=record.known - 1))
    # What is lost with an archive is put down to that until every stream was looked at to the end.
    sender = _noted(sender, told, [] if held_back else lost)
    return Reconciled(principal, sender, streams, tuple(facts), tuple(closed))


@dataclass(frozen=True, slots=True)
class _Account:
    """One stream, as its sender tells of it and as the archive knows it."""

    stream: Stream
    state: StreamState
    known: StreamRecord
    pending: Ranges
    archive_lost: bool

    @property
    def floor(self) -> int:
        """Below this everything is settled now: no longer held, and not about to be committed."""
        oldest = min(self.state.oldest, self.pending.lowest) if self.pending else self.state.oldest
        return max(self.known.floor, oldest)

    @property
    def doubtful(self) -> int:
        """Below this, acks may have come from a life of the archive that is gone."""
        return max(self.known.doubtful, self.state.next) if self.archive_lost else self.known.doubtful

    @property
    def is_over(self) -> bool:
        """Whether the sender may forget it."""
        return self.state.final and self.floor >= self.state.next

    def facts(self) -> Iterator[Fact]:
        """Yield what is lost, each number once: the floor only rises."""
        conflict = self._conflict()
        if conflict and conflict.next != self.known.went_back:
            yield conflict
        gone = Ranges.span(self.known.floor, self.floor - 1) - self.known.archived
        dropped = gone & Ranges.of(self.state.dropped)
        if dropped:
            yield Dropped(self.stream, dropped)
        doubtful = Ranges.span(1, self.doubtful - 1)
        if lost := (gone - dropped) & doubtful:
            yield LostWithArchive(self.stream, lost)
        if missing := gone - dropped - doubtful:
            yield Missing(self.stream, missing)

    def record(self) -> StreamRecord:
        """Return what the archive is to know from now on."""
        conflict = self._conflict()
        return replace(
            self.known,
            floor=self.floor,
            archived=self.known.archived - Ranges.span(1, self.floor - 1),
            next=self.known.next if self.known.final else max(self.known.next, self.state.next),
            ordinal=self.state.ordinal,
            final=self.known.final or self.state.final,
            closed=self.known.closed or self.is_over,
            vanished=False,
            untold=0,
            doubtful=self.doubtful,
            went_back=conflict.next if conflict else self.known.went_back,
        )

    def _conflict(self) -> WentBack | None:
        """Return the end of the stream, and what is known beyond it; `None` where the two agree."""
        end, known = self.state.next, self.known.next
        if self.known.final and end > known:
            end, known = known, end  # it goes on after its end: in the original of a copied disk
        elif self.state.final:
            known = max(self.known.known, self.pending.highest + 1)
        elif self.known.final:
            return None  # an old heartbeat, from before the opening was over
        # Otherwise what came in by reports may be younger than the heartbeat: only what was told counts.
        return WentBack(self.stream, next=end, known=known) if end < known else None


def _left_out(stream: Stream, told: SpoolState, known: StreamRecord, *, archive_lost: bool) -> StreamRecord:
    """Return the record of a stream that a complete heartbeat does not tell of.

    An opening tells of each stream of the openings before it, and of each of its own that it told of
    before, until it is closed. Of any other stream (its opening is younger than the heartbeat, or the
    ordinals began anew with another disk) nothing is known until heartbeats leave it out again and again.
    """
    if stream.spool == told.spool:
        certain = known.ordinal > 0 and not known.final
    else:
        certain = 0 < known.ordinal < told.ordinal
    untold = known.untold + 1
    return replace(known, untold=untold, vanished=archive_lost or certain or untold >= PATIENCE)


def _newly_lost(told: SpoolState, sender: SenderRecord, ledger: Ledger) -> list[Position]:
    """Return where the sender was acked and this archive has never been, unless that is dealt with."""
    dealt_with = {position.epoch: position.commits for position in sender.lost}
    return [
        heard
        for heard in told.heard
        if ((known := ledger.commits(heard.epoch)) is None or known < heard.commits)
        and dealt_with.get(heard.epoch, -1) < heard.commits
    ]


def _noted(sender: SenderRecord, told: SpoolState, lost: list[Position]) -> SenderRecord:
    beats = [(spool, number) for spool, number in sender.beats if spool != told.spool]
    epochs = {position.epoch for position in lost}
    others = [position for position in sender.lost if position.epoch not in epochs]
    return SenderRecord(
        beats=((told.spool, told.number), *beats)[:_OPENINGS], lost=tuple([*lost, *others][:_LOST])
    )
