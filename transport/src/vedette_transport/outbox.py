"""Where a program puts its observations: they wait on disk and travel in reports until archived."""

import logging
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from vedette_schemas import (
    Envelope,
    Kind,
    MessageError,
    Observation,
    Principal,
    SpoolState,
    VedetteError,
    decode_ack,
    encode,
    topics,
)

from .complaints import Complaints
from .delivery import Reserve, Run, Sender, SenderLimits, SpoolDamagedError, SpoolFullError
from .events import Asked, Connected, Disconnected, Event, Received
from .session import MqttSession
from .spool import Note, SqliteSpool
from .spool_file import set_aside

log = logging.getLogger(__name__)

_CAPACITY = 64 * 2**20
_IN_MEMORY = 8 * 2**20
"""Bytes that may wait where there can be no file."""

_LONGEST_FACT = 300
_CALM = 60.0
"""Seconds without trouble after which it is over: a disk that is nearly full takes some and some not."""

_T = TypeVar("_T")


class Outbox:
    """Keeps what is put into it, sends what is due, and lets go of what is acked. For one thread."""

    def __init__(
        self,
        principal: Principal,
        path: Path,
        capacity: int = _CAPACITY,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Open the spool at `path`, for about `capacity` bytes; raise `SettingsError` where it can't be."""
        self._principal, self._path, self._capacity, self._jitter = principal, path, capacity, jitter
        self._complaints = Complaints()
        self._is_connected = False
        self._facts: dict[str, str] = {}
        self._trouble: str | None = None
        self._troubles, self._troubled_at = 0, 0.0
        try:
            self._begin(SqliteSpool.at(path, str(principal)), capacity)
        except SpoolDamagedError as damage:
            self._begin_anew(damage)
        except SpoolFullError as full:
            self._begin_in_memory(full)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The topics that its session has to hear."""
        return (topics.ack(self._principal),)

    @property
    def facts(self) -> Mapping[str, str]:
        """What the heartbeat says of the spool; nothing where all is well."""
        trouble = self._trouble
        if trouble is not None:
            return {"spool": f"off: it can't be written to ({trouble}); observations are dropped"}
        return self._facts

    def put(self, observation: Observation, note: Note | None = None) -> None:
        """Keep an observation, and `note` with it; it is sent when the program's loop comes round."""
        item = encode(observation)

        def put(sender: Sender) -> None:
            with self._spool.beside(note):
                sender.put(Kind(observation.kind), item)

        self._do(put)

    def handle(self, event: Event) -> bool:
        """Take in what an event says about delivery; tell whether that is all that it says."""
        match event:
            case Connected():
                self._is_connected = True
                self._sender.reconnect()
            case Disconnected():
                self._is_connected = False
            case Asked():
                self._sender.reconnect()
            case Received(topic, payload) if topic in self.subscriptions:
                self._acked(topic, payload)
                return True
            case _:
                pass
        return False

    def send(self, session: MqttSession) -> None:
        """Send what is due, if there is a broker to send it to; then take the time that disks want."""
        if self._is_connected:
            try:
                self._send_due(session)
            except SpoolDamagedError as damage:
                self._replace(damage)
        self._tell_trouble()
        self._spool.tidy()

    def _send_due(self, session: MqttSession) -> None:
        for run in self._sender.due(time.monotonic()):
            kind = Kind(run.stream.kind)
            if not session.publish(topics.report(self._principal, kind), report(run, kind), 0):
                return

    def seconds_to_due(self) -> float | None:
        """Return how long nothing is to be sent, unless something comes in."""
        due = self._sender.next_due() if self._is_connected else None
        return None if due is None else max(0.0, due - time.monotonic())

    def heartbeat(self) -> SpoolState:
        """Return how the spool stands, for the next heartbeat."""
        return self._sender.heartbeat()

    def notes(self) -> Mapping[str, bytes]:
        """Return the notes that were kept, by this run of the program and those before."""
        return self._do(lambda _: self._spool.notes())

    def write_notes(self, *notes: Note) -> None:
        """Keep notes, if there is room for them."""
        self._do(lambda _: self._try(lambda: self._spool.write_notes(notes)))

    def remove_notes(self, names: Iterable[str]) -> None:
        """Let go of notes."""
        gone = tuple(names)
        self._do(lambda _: self._try(lambda: self._spool.remove_notes(gone)))

    def close(self) -> None:
        """Let go of the spool's file."""
        self._spool.close()

    def _acked(self, topic: str, payload: bytes | bytearray) -> None:
        try:
            ack = decode_ack(topic, payload)
        except MessageError as error:
            if (count := self._complaints.one_more()) is not None:
                log.warning("an ack can't be read: %s (%d so far)", error, count)
            return
        self._do(lambda sender: sender.acked(ack))

    def _try(self, write: Callable[[], None]) -> None:
        with suppress(SpoolFullError):  # `_tell_trouble` says it
            write()

    def _do(self, step: Callable[[Sender], _T]) -> _T:
        """Do something with the spool; with a new one, if this one turns out to be damaged."""
        try:
            done = step(self._sender)
        except SpoolDamagedError as damage:
            self._replace(damage)
            done = step(self._sender)
        self._tell_trouble()
        return done

    def _tell_trouble(self) -> None:
        """Say it once when the spool can't be written to, and once when that is over for good."""
        now = time.monotonic()
        if self._spool.troubles != self._troubles:
            self._troubles, self._troubled_at = self._spool.troubles, now
            if self._trouble is None:
                self._trouble = self._spool.trouble
                log.error("%s can't be written to: %s; observations are dropped", self._path, self._trouble)
        elif self._trouble is not None and now - self._troubled_at >= _CALM:
            self._trouble = None
            log.warning("%s can be written to again", self._path)

    def _replace(self, damage: SpoolDamagedError) -> None:
        """Go on with a new spool; the notes of the old one go along, where they can be read."""
        notes: Mapping[str, bytes] = {}
        with suppress(SpoolDamagedError):
            notes = self._spool.notes()
        self._spool.close()
        self._begin_anew(damage)
        with suppress(SpoolFullError):
            self._spool.write_notes(Note(name, value) for name, value in notes.items())

    def _begin_anew(self, damage: SpoolDamagedError) -> None:
        """Set the spool aside and go on with a new one."""
        try:
            damaged = set_aside(self._path)
            self._begin(SqliteSpool.at(self._path, str(self._principal)), self._capacity)
        except (VedetteError, OSError) as error:
            self._begin_in_memory(error)
            return
        self._facts = {"spool": f"new: the old one was damaged and lies at {damaged}"[:_LONGEST_FACT]}
        log.error("%s is damaged (%s): it lies at %s now; a new one is begun", self._path, damage, damaged)

    def _begin_in_memory(self, why: Exception) -> None:
        """Go on without a disk, rather than not at all."""
        self._begin(SqliteSpool.in_memory(self._path, str(self._principal)), min(self._capacity, _IN_MEMORY))
        self._facts = {"spool": f"off: {self._path} can't be used; what waits is in memory"[:_LONGEST_FACT]}
        log.error("%s can't be used (%s): until the next start, what waits is in memory", self._path, why)

    def _begin(self, spool: SqliteSpool, capacity: int) -> None:
        limits = SenderLimits(capacity=capacity)
        try:
            self._sender = Sender(
                Reserve(spool), str(self._principal), secrets.token_hex(8), self._jitter, limits
            )
        except SpoolDamagedError:
            spool.close()
            raise
        self._spool, self._troubles = spool, 0


def report(run: Run, kind: Kind) -> bytes:
    """Return a report's payload: what `encode` makes of a `Report`, without reading its items again."""
    envelope = Envelope(
        sender=run.stream.principal,
        spool=run.stream.spool,
        kind=kind,
        first=run.first,
        sent_at=datetime.now(UTC),
    )
    return encode(envelope)[:-1] + b',"items":[' + b",".join(run.items) + b"]}"
