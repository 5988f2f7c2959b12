"""Sends signed acts to the analyzer until they are answered: for all who act at the console, at once."""

import contextlib
import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty
from uuid import UUID, uuid4

from vedette_schemas import Act, ActAnswer, MessageError, Wanted, decode_answer, topics
from vedette_transport import BrokerAddress, Call, Connected, Disconnected, Inbox, MqttSession, Received, Stop
from vedette_transport.identity import Identity

from ..acting import AGAIN_SECONDS, NotAnsweredError

PATIENCE_SECONDS = 8.0
"""How long a page waits for the analyzer: with a person before it."""

_LIFE = timedelta(minutes=1)
_MOST_AT_ONCE = 200


@dataclass(slots=True)
class _Sent:
    """An act that is not answered yet."""

    id: UUID
    token: bytes
    until: float
    due: float = 0.0
    answer: "Future[ActAnswer]" = field(default_factory=Future[ActAnswer])


class Desk:
    """One connection to the broker, as the console's own principal; any thread may act."""

    def __init__(self, identity: Identity, broker: BrokerAddress) -> None:
        """Connect when started."""
        self._identity, self._broker = identity, broker
        self._inbox = Inbox()
        self._session = MqttSession(
            identity.principal,
            broker,
            self._inbox,
            subscriptions=(topics.ack(identity.principal),),
            identity=identity,
        )
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._open: dict[UUID, _Sent] = {}
        self._listening = threading.Event()

    def start(self) -> None:
        """Connect, and stay connected."""
        logging.getLogger("vedette_transport").setLevel(logging.ERROR)
        self._session.start()
        self._thread.start()

    def stop(self) -> None:
        """Leave the broker; what is not answered never will be."""
        self._inbox.put(Stop())
        self._thread.join()
        self._session.stop()

    @property
    def is_connected(self) -> bool:
        """Tell whether acts reach the broker now."""
        return self._listening.is_set()

    def act(self, what: Wanted, account: str) -> ActAnswer:
        """Have something done for an account; raise `NotAnsweredError` where nobody answers."""
        now = datetime.now(UTC)
        act = Act(
            id=uuid4(),
            issuer=str(self._identity.principal),
            account=account,
            issued_at=now,
            expires_at=now + _LIFE,
            what=what,
        )
        token = self._identity.signer().sign(act).encode()
        sent = _Sent(act.id, token, time.monotonic() + PATIENCE_SECONDS)
        self._inbox.put(Call(sent))
        try:
            return sent.answer.result(PATIENCE_SECONDS + AGAIN_SECONDS)
        except TimeoutError:
            raise NotAnsweredError("the console is busy: look whether it was done") from None

    def _serve(self) -> None:
        """Send what is due, take up what comes."""
        while True:
            wait = min((sent.due for sent in self._open.values()), default=None)
            try:
                patience = None if wait is None else max(0.0, wait - time.monotonic())
                event = self._inbox.get(timeout=patience)
            except Empty:
                event = None
            match event:
                case Stop():
                    return
                case Call(_Sent() as sent):
                    self._take(sent)
                case Connected():
                    self._listening.set()
                    for sent in self._open.values():
                        sent.due = 0.0
                case Disconnected():
                    self._listening.clear()
                case Received(topic, payload):
                    self._answered(topic, payload)
                case _:
                    pass
            self._send()

    def _take(self, sent: _Sent) -> None:
        if len(self._open) >= _MOST_AT_ONCE:
            sent.answer.set_exception(NotAnsweredError("too much is asked at once: nothing was done"))
        else:
            self._open[sent.id] = sent

    def _send(self) -> None:
        now = time.monotonic()
        for sent in [sent for sent in self._open.values() if sent.due <= now]:
            if now >= sent.until:
                del self._open[sent.id]
                sent.answer.set_exception(self._not_answered())
            elif self._listening.is_set():
                self._session.publish(topics.act(self._identity.principal), sent.token, qos=0)
                sent.due = min(now + AGAIN_SECONDS, sent.until)
            else:
                sent.due = sent.until

    def _not_answered(self) -> NotAnsweredError:
        if not self._listening.is_set():
            why = self._session.refusal or f"no broker at {self._broker}"
            return NotAnsweredError(f"{why}: what became of it, 'Actions' tells once there is one")
        return NotAnsweredError(
            f"the analyzer did not answer within {PATIENCE_SECONDS:.0f} s: 'Actions' tells whether it has"
            " done something"
        )

    def _answered(self, topic: str, payload: bytes | bytearray) -> None:
        with contextlib.suppress(MessageError):
            answer = decode_answer(topic, payload)
            if (sent := self._open.pop(answer.act_id, None)) is not None:
                sent.answer.set_result(answer)
