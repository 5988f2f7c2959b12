"""A sender, analyzers and the network between them, moved one step at a time."""

import contextlib
import random
from collections.abc import Generator, Sequence

from vedette_schemas import MAX_HEARD, Ack, Kind, SpoolState, Stream
from vedette_transport.delivery import (
    Missing,
    Receiver,
    ReceiverLimits,
    Run,
    Sender,
    SenderLimits,
    Vanished,
    WentBack,
    reconcile,
)
from vedette_transport.delivery.facts import Dropped, LostWithArchive

from tests.transport.delivery.stores import Archive, Books, CrashError, Disk, Place, numbers

PRINCIPAL = "sensor@host-7"
SENDER_LIMITS = SenderLimits(capacity=300, items=5, size=60)
RECEIVER_LIMITS = ReceiverLimits(items=16, size=160, ranges=6, streams=8)
BEATS_UNDER_WAY = 3
MESSAGES_UNDER_WAY = 40

Upward = Run | SpoolState


class Analyzer:
    """One run of an analyzer: what it judged and did not commit dies with it."""

    def __init__(self, archive: Archive, epoch: str, limits: ReceiverLimits = RECEIVER_LIMITS) -> None:
        self.books, self.limits = Books(archive, epoch), limits
        self.receiver = Receiver(self.books, limits)
        self.judged: dict[Place, bytes] = {}

    def report(self, run: Run) -> list[Ack]:
        taken = self.receiver.take(run.stream, run.first, [len(item) for item in run.items])
        for number in taken.new:
            self.judged[run.stream, number] = run.items[number - run.first]
        return [taken.ack] if taken.ack else []

    def heartbeat(self, told: SpoolState, principal: str = PRINCIPAL) -> list[Ack]:
        pending = self.receiver.pending(principal)
        reconciled = reconcile(principal, told, self.books, pending, self.limits.streams)
        if reconciled is None:
            return []
        self.books.write(reconciled)
        return self.receiver.closed(reconciled)

    def commit(self) -> list[Ack]:
        batch = self.receiver.batch()
        self.books.commit(batch, self.judged)
        for stream, committed in batch.runs.items():
            for number in committed:
                del self.judged[stream, number]
        return self.receiver.committed(batch)


class World:
    """All of it. Whatever it is told to do, it does; what must hold is asserted in `settle`."""

    def __init__(self, analyzers: int = 1, limits: SenderLimits = SENDER_LIMITS) -> None:
        self.limits = limits
        self.now = 0.0
        self.names = 0
        self.dice = random.Random(0)
        self.made: dict[Place, bytes] = {}
        self.disk = Disk(self.made)
        self.archive = Archive()
        self.ever_archived: set[Place] = set()
        self.once_declared: set[Place] = set()
        self.backup: Disk | None = None
        self.archive_backup: Archive | None = None
        self.up: list[tuple[int, Upward]] = []
        self.down: list[Ack] = []
        self.analyzers = [Analyzer(self.archive, self.name()) for _ in range(analyzers)]
        self.sender = self.opened()

    def name(self) -> str:
        self.names += 1
        return f"{self.names:016x}"

    def opened(self) -> Sender:
        return Sender(self.disk, PRINCIPAL, self.name(), self.dice.random, self.limits)

    def stream(self, kind: Kind = Kind.WINDOW) -> Stream:
        return Stream(PRINCIPAL, self.sender.heartbeat().spool, str(kind))

    def observe(self, kind: Kind = Kind.WINDOW, size: int = 10) -> None:
        with self.killable():
            self.sender.put(kind, (len(self.made).to_bytes(4) + bytes(size))[:size])

    def send(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.travel(list(self.sender.due(self.now)))
        due = self.sender.next_due()
        assert due is None or due > self.now

    def beat(self) -> None:
        self.travel([self.sender.heartbeat()])

    def travel(self, messages: Sequence[Upward]) -> None:
        self.up += [(number, message) for message in messages for number in range(len(self.analyzers))]
        beats = [entry for entry in self.up if isinstance(entry[1], SpoolState)]
        for late in beats[: -BEATS_UNDER_WAY * len(self.analyzers)]:
            self.up.remove(late)
        del self.up[:-MESSAGES_UNDER_WAY]

    def arrive_up(self, place: int = 0, *, again: bool = False) -> None:
        if self.up:
            place %= len(self.up)
            to, message = self.up[place] if again else self.up.pop(place)
            analyzer = self.analyzers[to]
            self.down += analyzer.report(message) if isinstance(message, Run) else analyzer.heartbeat(message)
            del self.down[:-MESSAGES_UNDER_WAY]
            assert analyzer.receiver.waiting <= RECEIVER_LIMITS.items
            self.assert_bounded()

    def arrive_down(self, place: int = 0, *, again: bool = False) -> None:
        if self.down:
            place %= len(self.down)
            ack = self.down[place] if again else self.down.pop(place)
            with self.killable():
                self.sender.acked(ack)

    def commit(self, number: int = 0, *, dies: bool = False) -> None:
        number %= len(self.analyzers)
        acks = self.analyzers[number].commit()
        self.ever_archived |= set(self.archive.observations)
        if dies:
            self.kill_analyzer(number)
        else:
            self.down += acks

    def kill_analyzer(self, number: int = 0) -> None:
        self.analyzers[number % len(self.analyzers)] = Analyzer(self.archive, self.name())

    def reopen(self) -> None:
        self.sender = self.opened()

    @contextlib.contextmanager
    def killable(self) -> Generator[None]:
        try:
            yield
        except CrashError:
            self.reopen()

    def back_up(self) -> None:
        self.backup = self.disk.copy()

    def restore(self) -> None:
        if self.backup is not None:
            self.disk = self.backup.copy()
            self.reopen()

    def delete_spool(self) -> None:
        self.disk = Disk(self.made)
        self.reopen()

    def back_up_archive(self) -> None:
        self.archive_backup = self.archive.copy()

    def restore_archive(self) -> None:
        """Restoring takes longer than any message is under way."""
        if self.archive_backup is not None:
            self.once_declared.update(self.declared)
            self.archive = self.archive_backup.copy()
            self.up.clear()
            self.down.clear()
            for number in range(len(self.analyzers)):
                self.kill_analyzer(number)

    def round(self) -> None:
        """Let 61 seconds pass in which nothing goes wrong."""
        self.send(61)
        self.beat()
        while self.up:
            self.arrive_up()
        for number in range(len(self.analyzers)):
            self.commit(number)
        while self.down:
            self.arrive_down()

    def settle(self) -> None:
        """Go on in peace until everything is where it belongs; it must not take for ever."""
        self.disk.fuse = None
        for rounds in range(80):
            self.round()
            if rounds >= 8 and not self.disk.items and not self.earlier_streams():
                self.round()  # a stream of which nothing is held may have waited for room in the books
                return
        raise AssertionError("stalled")

    def earlier_streams(self) -> list[Stream]:
        told = self.sender.heartbeat()
        return [stream for stream in self.disk.kept if stream.spool != told.spool]

    @property
    def declared(self) -> list[Place]:
        return numbers(self.archive.facts, Dropped)

    @property
    def missing(self) -> list[Place]:
        return numbers(self.archive.facts, Missing)

    @property
    def lost_with_archive(self) -> list[Place]:
        return numbers(self.archive.facts, LostWithArchive)

    @property
    def lost(self) -> set[Place]:
        return set(self.made) - set(self.archive.observations)

    def is_found(self, stream: Stream, number: int) -> bool:
        """Tell whether a loss is covered by what reconciliation said, or could not be known of at all."""
        return (
            (stream, number) in {*self.declared, *self.missing}
            or any(
                isinstance(fact, Vanished)
                and fact.stream == stream
                and (fact.after < number or number in fact.missing)
                for fact in self.archive.facts
            )
            or any(
                isinstance(fact, WentBack) and fact.stream == stream and fact.next <= number
                for fact in self.archive.facts
            )
            or number >= self.analyzers[0].books.stream(stream).known
        )

    def assert_bounded(self) -> None:
        """What the books remember of a sender; each analyzer alone keeps within its limits."""
        books = self.analyzers[0].books
        due = books.streams_due(PRINCIPAL)
        assert len(due) <= RECEIVER_LIMITS.streams * len(self.analyzers)
        most = RECEIVER_LIMITS.ranges * len(self.analyzers)
        assert all(len(books.stream(stream).archived.pairs) <= most for stream in due)
        known = books.sender(PRINCIPAL)
        assert len(known.beats) <= MAX_HEARD
        assert len(known.lost) <= 2 * MAX_HEARD

    def assert_archived_as_made(self) -> None:
        assert all(self.made[place] == item for place, item in self.archive.observations.items())
        assert len(self.declared) == len(set(self.declared))
        assert not set(self.declared) & set(self.archive.observations)
        assert not set(self.missing) & set(self.archive.observations)
