"""Gives what comes from the broker to who takes it, by its topic."""

from collections.abc import Callable, Iterator

from vedette_archive import Run
from vedette_schemas import (
    Ack,
    ActAnswer,
    Life,
    MessageError,
    OtherVersionError,
    Principal,
    Program,
    decode_status,
    read_report,
    topics,
)
from vedette_transport.delivery import Receiver

from .clock import Clock
from .core import Analyzer
from .desk import ActDesk
from .intake import Intake
from .orders import Effect
from .presence import Presence
from .unusable import Unusable
from .work import Heartbeat

SUBSCRIPTIONS = topics.EVERY_REPORT, topics.EVERY_STATUS, topics.EVERY_ACT

Led = Effect | Ack | ActAnswer | Run | Heartbeat
"""What a message leads to."""

_HOST_PROGRAMS = frozenset({Program.SENSOR, Program.ENFORCER})


class Reception:
    """Reports go to intake, acts to the desk, heartbeats to all who must know of them."""

    def __init__(
        self,
        intake: Intake,
        desk: ActDesk,
        presence: Presence,
        analyzer: Analyzer,
        receiver: Receiver,
        unusable: Unusable,
        clock: Clock,
        asked: Callable[[], None],
    ) -> None:
        """`asked` is called when an operator's program begins: it need not wait for our next heartbeat."""
        self._intake, self._desk, self._presence, self._asked = intake, desk, presence, asked
        self._analyzer, self._receiver, self._unusable, self._clock = analyzer, receiver, unusable, clock

    def take(self, topic: str, payload: bytes | bytearray) -> Iterator[Led]:
        """Yield what a message leads to; one that can't be used is counted."""
        try:
            yield from self._read(topic, payload)
        except OtherVersionError as error:
            yield from self._unusable.other_version(str(error), self._clock.now)
        except MessageError as error:
            self._unusable.drop(str(error))

    def _read(self, topic: str, payload: bytes | bytearray) -> Iterator[Led]:
        now = self._clock.now
        if topics.is_report(topic):
            arrived = read_report(topic, payload)
            yield from self._intake.report(arrived, len(payload), now, self._clock.counted)
        elif topics.is_act(topic):
            yield from self._desk.take(topic, payload, now)
        else:
            yield from self._status(topic, payload)

    def _status(self, topic: str, payload: bytes | bytearray) -> Iterator[Effect | Heartbeat]:
        status = decode_status(topic, payload)
        principal, now = Principal.parse(status.principal), self._clock.now
        if principal.program in topics.MAY_ACT and status.life is Life.RUNNING:
            self._asked()
        if principal.program not in _HOST_PROGRAMS:
            return
        yield from self._presence.heard(status, self._clock.seconds, now)
        yield from self._analyzer.status(status, now)
        pending = self._receiver.pending(status.principal) if status.delivery else {}
        words = status.program_version, status.facts
        yield Heartbeat(principal, status.life, now, status.delivery, pending, *words)
