"""Sending out what a self-test consists of, and hearing what comes back: over the real chain."""

import base64
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty
from uuid import uuid4

from cryptography import x509
from vedette_schemas import (
    ANALYZER,
    ActAnswer,
    Alert,
    Kind,
    Life,
    MessageError,
    State,
    decode_alert,
    decode_answer,
    decode_status,
    encode,
    topics,
)
from vedette_transport import BrokerAddress, Call, Connected, Inbox, MqttSession, Received
from vedette_transport.identity import Identity, principal_of
from vedette_transport.signing import Signer

from ..acting import OperatorSettings
from .handing import hand_over, reach
from .heard import Heard, Plan, Tls, Told

CONNECT_SECONDS = 4.0
AGAIN_SECONDS = 2.0
_LISTENS_SECONDS = 1.0


class _Taken:
    """The sensor has taken an observation."""

    def __init__(self, kind: Kind, after: float) -> None:
        self.kind, self.after = kind, after


class Course:
    """One self-test, from the first message to the last that is waited for."""

    def __init__(self, plan: Plan, session: MqttSession, inbox: Inbox, signer: Signer) -> None:
        """Go over a session that was not started yet; acts are signed by `signer`."""
        self._plan, self._session, self._inbox = plan, session, inbox
        self._act = signer.sign(plan.act).encode()
        self._altered = altered(signer.sign(plan.act), plan)
        self._forged = ActAnswer(audience=str(plan.operator), act_id=uuid4(), done=False, words="forged")
        self.heard = Heard()
        self._began = 0.0

    def run(self, wait_seconds: float) -> Heard:
        """Wait at most so long for what comes back."""
        self._reach_sensor()
        self._await(time.monotonic() + min(CONNECT_SECONDS, wait_seconds), lambda: self.heard.is_connected)
        if self.heard.is_connected:
            self._send()
            end = time.monotonic() + wait_seconds
            while time.monotonic() < end and not self.heard.is_complete(self._plan):
                again = min(end, time.monotonic() + AGAIN_SECONDS)
                self._await(again, lambda: self.heard.is_complete(self._plan))
                if self.heard.answer is None:
                    self._publish(self._act)
        if self._sensor is not None:
            self._sensor.close()
        return self.heard

    def _reach_sensor(self) -> None:
        self._sensor = None
        if self._plan.socket is not None:
            try:
                self._sensor = reach(self._plan.socket)
            except OSError as error:
                why = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or error
                self.heard.unreachable = f"no sensor at {self._plan.socket}: {why}"

    def _send(self) -> None:
        self._began, self.heard.sent_at = time.monotonic(), datetime.now(UTC)
        self._session.heartbeat()  # the analyzer answers with its own
        self._session.publish(topics.ack(self._plan.operator), encode(self._forged), qos=0)
        if self._sensor is not None:
            hand_over(self._sensor, self._plan.texts, self._taken)
        self._publish(self._act)
        self._publish(self._altered)

    def _publish(self, act: bytes) -> None:
        self._session.publish(topics.act(self._plan.operator), act, qos=0)

    def _taken(self, kind: Kind, after: float) -> None:
        self._inbox.put(Call(_Taken(kind, after)))

    def _await(self, deadline: float, is_there: Callable[[], bool]) -> None:
        while not is_there() and (left := deadline - time.monotonic()) > 0:
            with contextlib.suppress(Empty):
                self._take(self._inbox.get(timeout=left))

    def _take(self, event: object) -> None:
        match event:
            case Connected(refused):
                self.heard.is_connected = True
                self.heard.granted = frozenset(self._plan.forbidden) - set(refused)
                self.heard.tls = _tls(self._session)
            case Call(_Taken() as taken):
                self.heard.taken.setdefault(taken.kind, taken.after)
            case Received(topic, payload):
                with contextlib.suppress(MessageError):
                    self._receive(topic, payload)
            case _:
                pass

    def _receive(self, topic: str, payload: bytes | bytearray) -> None:
        heard, plan = self.heard, self._plan
        if topic in plan.forbidden:
            heard.leaked.add(topic)
        elif topic.startswith(topics.ALERTS):
            self._alert(decode_alert(payload))
        elif topic == topics.status(ANALYZER):
            status = decode_status(topic, payload)
            heard.analyzer = status if status.life is Life.RUNNING else None
        elif topic == topics.ack(plan.operator):
            answer = decode_answer(topic, payload)
            heard.forged = heard.forged or answer == self._forged
            if answer.act_id == plan.act.id:
                heard.answer = answer

    def _alert(self, alert: Alert) -> None:
        heard, plan = self.heard, self._plan
        told = Told(alert, time.monotonic() - self._began)
        if alert.command_id == plan.command_id and alert.state is State.FINAL:
            heard.final = heard.final or told
        elif alert.detector == "selftest":
            for kind, text in plan.texts.items():
                if text in alert.summary:
                    heard.told.setdefault(kind, told)
            if str(plan.altered.id) in alert.summary:
                heard.refused = alert


def altered(token: str, plan: Plan) -> bytes:
    """Return a signed act with other words in it than were signed."""
    head, _, signature = token.split(".")
    words = plan.altered.model_dump_json(exclude_none=True).encode()
    return f"{head}.{base64.urlsafe_b64encode(words).decode().rstrip('=')}.{signature}".encode()


def _tls(session: MqttSession) -> Tls | None:
    connection = session.connection
    if not isinstance(connection, ssl.SSLSocket):
        return None
    shown = connection.getpeercert(binary_form=True)
    if shown is None:
        return None
    certificate = x509.load_der_x509_certificate(shown)
    return Tls(connection.version() or "", str(principal_of(certificate)), certificate.not_valid_after_utc)


class _Complaints(logging.Handler):
    """Keeps the last complaint about the broker."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def run(plan: Plan, settings: OperatorSettings, identity: Identity, wait_seconds: float) -> Heard:
    """Make a self-test; what does not come back within that time is not there."""
    inbox = Inbox()
    heard = (topics.ack(plan.operator), topics.EVERY_ALERT, topics.status(ANALYZER), *plan.forbidden)
    session = MqttSession(plan.operator, settings.broker, inbox, subscriptions=heard, identity=identity)
    course = Course(plan, session, inbox, identity.signer())
    complaints = _overheard()
    session.start()
    try:
        found = course.run(wait_seconds)
    finally:
        session.stop()
    if not found.is_connected:
        found.complaint, found.is_listening = complaints.last, _listens(settings.broker)
    return found


def _overheard() -> _Complaints:
    """Have what the connection complains of kept, and not said, even where it only ends after we do."""
    transport, complaints = logging.getLogger("vedette_transport"), _Complaints()
    transport.addHandler(complaints)
    transport.propagate = False
    return complaints


def _listens(broker: BrokerAddress) -> bool:
    """Tell whether anything takes connections there."""
    try:
        socket.create_connection((broker.host, broker.port), _LISTENS_SECONDS).close()
    except OSError:
        return False
    return True
