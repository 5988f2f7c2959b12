"""Commands end to end: a sensor, analyzers that order, an enforcer, and the network between them.

The ends are models with the rules that the programs follow; delivery beneath them is the real one.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from vedette_schemas import Ack, Kind, SpoolState
from vedette_transport.delivery import Run, Sender

from tests.transport.delivery.stores import Archive, CrashError, Disk, Place
from tests.transport.delivery.world import MESSAGES_UNDER_WAY, PRINCIPAL, SENDER_LIMITS, Analyzer

ENFORCER = "enforcer@host-7"
LIFETIME = 60.0
BEAT = 30.0
AHEAD = 1_000.0
"""How far the enforcer's clock is before the analyzer's."""

BAD, GOOD = b"bad", b"good"
OPEN, ANSWERED, EXPIRED = "open", "answered", "expired"


class Command(NamedTuple):
    """Its id comes from the name of the observation that it is about; the time is the enforcer's."""

    id: str
    expires_at: float


class Beat(NamedTuple):
    principal: str
    told: SpoolState
    at: float


class Orders(Archive):
    """An archive that keeps commands too: state, and when it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.commands: dict[str, tuple[str, float]] = {}


class Commander(Analyzer):
    """Publishes a command at once and commits it with the observation that it is about."""

    def __init__(self, archive: Orders, epoch: str) -> None:
        super().__init__(archive, epoch)
        self.orders = archive
        self.open = {id_: at for id_, (state, at) in archive.commands.items() if state == OPEN}
        self.fresh: dict[str, float] = {}
        self.answered: set[str] = set()
        self.ahead: float | None = None

    def judge(self, run: Run, now: float) -> Iterator[Ack | Command]:
        before = set(self.judged)
        yield from self.report(run)
        for stream, number in sorted(set(self.judged) - before):
            item = self.judged[stream, number]
            if stream.kind == Kind.OUTCOME:
                self.answered.add(item.decode())
                self.open.pop(item.decode(), None)
            elif item == BAD:
                yield from self._order(f"{stream.spool}/{number}", now)

    def heard(self, beat: Beat, now: float) -> Iterator[Ack | Command]:
        yield from self.heartbeat(beat.told, beat.principal)
        if beat.principal == ENFORCER:
            self.ahead = beat.at - now
            yield from (self._command(id_, at) for id_, at in self.open.items() if now < at + LIFETIME)

    def keep(self) -> list[Ack]:
        acks = self.commit()  # from here on: the same transaction
        for id_, at in self.fresh.items():
            self.orders.commands.setdefault(id_, (OPEN, at))
        for id_ in self.answered:
            self.orders.commands[id_] = (ANSWERED, 0)  # also what the archive did not know of
        self.fresh, self.answered = {}, set()
        return acks

    def expire(self, now: float) -> None:
        over = [id_ for id_, at in self.open.items() if at + LIFETIME <= now and id_ not in self.fresh]
        for id_ in over:
            state, at = self.orders.commands[id_]
            self.orders.commands[id_] = (EXPIRED if state == OPEN else state, at)
            del self.open[id_]

    def _order(self, id_: str, now: float) -> Iterator[Command]:
        if id_ not in self.orders.commands and id_ not in self.answered:
            self.open[id_] = self.fresh[id_] = now
            if self.ahead is not None:
                yield self._command(id_, now)

    def _command(self, id_: str, opened_at: float) -> Command:
        assert self.ahead is not None
        return Command(id_, opened_at + LIFETIME + self.ahead)


class Ledge(Disk):
    """An enforcer's disk: its spool, and the commands it took, with what became of each."""

    def __init__(self, made: dict[Place, bytes]) -> None:
        super().__init__(made)
        self.taken: dict[str, bool] = {}

    def take(self, id_: str, *, done: bool) -> None:
        self._burn()
        self.taken[id_] = done


class Enforcer:
    """One run of an enforcer: remembers a command before it acts, answers before it forgets the task."""

    def __init__(self, disk: Ledge, opening: str, jitter: Callable[[], float], begun: Counter[str]) -> None:
        self.disk, self.begun = disk, begun
        self.sender = Sender(disk, ENFORCER, opening, jitter, SENDER_LIMITS)
        self.tasks = [id_ for id_, done in disk.taken.items() if not done]

    def take(self, command: Command, now: float) -> None:
        known = self.disk.taken.get(command.id)
        if known is None and now < command.expires_at:
            self.disk.take(command.id, done=False)
            self.begun[command.id] += 1
            self.tasks.append(command.id)
        elif known is not False:  # not while it is being carried out
            self._answer(command.id)  # what became of it, or that it came too late

    def work(self) -> None:
        if self.tasks:
            self._answer(self.tasks[0])
            self.disk.take(self.tasks[0], done=True)
            del self.tasks[0]

    def _answer(self, id_: str) -> None:
        self.sender.put(Kind.OUTCOME, id_.encode())


class Ordering:
    """All of it, moved one step at a time."""

    def __init__(self, analyzers: int = 1) -> None:
        self.now = 0.0
        self.names = 0
        self.dice = random.Random(0)
        self.begun: Counter[str] = Counter()
        self.seen: dict[Place, bytes] = {}
        self.outcomes: dict[Place, bytes] = {}
        self.sensor_disk, self.enforcer_disk = Disk(self.seen), Ledge(self.outcomes)
        self.archive = Orders()
        self.up: list[tuple[int, Run | Beat]] = []
        self.down: list[Ack | Command] = []
        self.analyzers = [Commander(self.archive, self.name()) for _ in range(analyzers)]
        self.reopen_sensor()
        self.reopen_enforcer()

    def name(self) -> str:
        self.names += 1
        return f"{self.names:016x}"

    def reopen_sensor(self) -> None:
        self.sensor = Sender(self.sensor_disk, PRINCIPAL, self.name(), self.dice.random, SENDER_LIMITS)

    def reopen_enforcer(self) -> None:
        self.enforcer = Enforcer(self.enforcer_disk, self.name(), self.dice.random, self.begun)

    def observe(self, item: bytes = BAD) -> None:
        self.safely(lambda: self.sensor.put(Kind.WINDOW, item))

    def send(self) -> None:
        self.travel(*self.sensor.due(self.now), *self.enforcer.sender.due(self.now))

    def beat(self) -> None:
        self.travel(
            Beat(PRINCIPAL, self.sensor.heartbeat(), self.now),
            Beat(ENFORCER, self.enforcer.sender.heartbeat(), self.now + AHEAD),
        )

    def travel(self, *messages: Run | Beat) -> None:
        self.up += [(number, message) for message in messages for number in range(len(self.analyzers))]
        del self.up[:-MESSAGES_UNDER_WAY]

    def arrive_up(self, place: int = 0, *, again: bool = False) -> None:
        if self.up:
            place %= len(self.up)
            to, message = self.up[place] if again else self.up.pop(place)
            take = self.analyzers[to].judge if isinstance(message, Run) else self.analyzers[to].heard
            self.down += take(message, self.now)  # type: ignore[arg-type]
            del self.down[:-MESSAGES_UNDER_WAY]

    def arrive_down(self, place: int = 0, *, again: bool = False) -> None:
        if self.down:
            place %= len(self.down)
            message = self.down[place] if again else self.down.pop(place)
            self.safely(lambda: self.receive(message))

    def receive(self, message: Ack | Command) -> None:
        if isinstance(message, Command):
            self.enforcer.take(message, self.now + AHEAD)
        else:
            (self.sensor if message.audience == PRINCIPAL else self.enforcer.sender).acked(message)

    def work(self) -> None:
        self.safely(self.enforcer.work)

    def commit(self, number: int = 0, *, dies: bool = False) -> None:
        number %= len(self.analyzers)
        acks = self.analyzers[number].keep()
        if dies:
            self.kill_analyzer(number)
        else:
            self.down += acks

    def kill_analyzer(self, number: int = 0) -> None:
        self.analyzers[number % len(self.analyzers)] = Commander(self.archive, self.name())

    def expire(self) -> None:
        for analyzer in self.analyzers:
            analyzer.expire(self.now)

    def safely(self, step: Callable[[], object]) -> None:
        """Take a step; who is killed in it starts again."""
        fuses = self.sensor_disk.fuse, self.enforcer_disk.fuse
        try:
            step()
        except CrashError:
            if fuses[0] is not None and self.sensor_disk.fuse is None:
                self.reopen_sensor()
            else:
                self.reopen_enforcer()

    def round(self) -> None:
        """Let half a minute pass in which nothing goes wrong."""
        self.now += BEAT
        self.send()
        self.beat()
        for _ in range(2):  # commands down, what became of them up
            while self.up:
                self.arrive_up()
            while self.down:
                self.arrive_down()
            while self.enforcer.tasks:
                self.work()
            self.send()
        for number in range(len(self.analyzers)):
            self.commit(number)
        self.expire()
        while self.down:
            self.arrive_down()

    def settle(self) -> None:
        self.sensor_disk.fuse = self.enforcer_disk.fuse = None
        for rounds in range(60):
            self.round()
            if rounds >= 4 and not (self.sensor_disk.items or self.enforcer_disk.items or self.is_open):
                return
        raise AssertionError("stalled")

    @property
    def is_open(self) -> bool:
        return any(state == OPEN for state, _ in self.archive.commands.values()) or any(
            analyzer.open for analyzer in self.analyzers
        )

    def states(self) -> list[str]:
        return [state for state, _ in self.archive.commands.values()]

    def assert_each_once(self) -> None:
        """Acted on at most once; answered or expired; each outcome archived, once (`Books` sees to that)."""
        commands = self.archive.commands
        assert set(self.begun.values()) <= {1}
        assert {state for state, _ in commands.values()} <= {ANSWERED, EXPIRED}
        assert all(commands[id_][0] == ANSWERED for id_ in self.begun)
        archived = self.archive.observations
        assert all(archived[place] == item for place, item in self.outcomes.items())
        bad = {f"{stream.spool}/{number}" for (stream, number), item in archived.items() if item == BAD}
        assert bad <= set(commands)
        known = {f"{stream.spool}/{number}" for (stream, number), item in self.seen.items() if item == BAD}
        assert set(commands) <= known
