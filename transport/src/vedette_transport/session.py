"""One program's MQTT session: connects and stays connected, says how it is, hands over what comes in."""

import contextlib
import logging
import random
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from vedette_schemas import (
    ANALYZER,
    HEARTBEAT_SECONDS,
    Life,
    MessageError,
    Principal,
    Program,
    SettingsError,
    SpoolState,
    Status,
    decode_status,
    encode,
    topics,
)

from .backoff import backoff
from .complaints import Complaints
from .entry import program_version
from .events import Asked, Connected, Disconnected, Inbox, Received
from .settings import BrokerAddress
from .tls import Overheard, says_why, tls_trouble

if TYPE_CHECKING:
    from .credentials import Certified, Credentials

log = logging.getLogger(__name__)

_QOS = 1
_KEEP_ALIVE = 30
_LOOP_SECONDS = 1.0
_FAREWELL_SECONDS = 1.0
_ANSWER = frozenset({Program.SENSOR, Program.ENFORCER})
_ANSWER_SECONDS = 1.0
_NEWS_SECONDS = 1.0
_ANALYZER_STATUS = topics.status(ANALYZER)
_MOST_UNHANDLED = 2_000
_HANG_UPS = 3
_MAX_WAITING = 2_000
"""Messages that paho keeps in memory while the broker is away; beyond that they are refused, and said."""


class MqttSession:
    """Publishes and receives for one principal. What comes in is put into `inbox`, in order."""

    def __init__(
        self,
        principal: Principal,
        broker: BrokerAddress,
        inbox: Inbox,
        *,
        subscriptions: Sequence[str] = (),
        facts: Callable[[], Mapping[str, str]] = dict,
        delivery: Callable[[], SpoolState | None] = lambda: None,
        most_waiting: int = _MOST_UNHANDLED,
        identity: "Credentials[Certified] | None" = None,
    ) -> None:
        """Set up, without connecting. With an identity it is over TLS, unless the address says `plain`.

        `facts` is asked at each heartbeat what the program can do here, and `delivery` how its spool
        stands. Reports and heartbeats are left, since they come again, while more than `most_waiting` events
        are not handled yet.
        """
        self.principal = principal
        self._broker, self._inbox, self._facts, self._delivery = broker, inbox, facts, delivery
        self._most_waiting = most_waiting
        self._lefts = Complaints()
        self.left = 0
        """Messages that were left."""
        self._subscriptions = tuple(subscriptions)
        if principal.program in _ANSWER:
            self._subscriptions += (_ANALYZER_STATUS,)
        self._analyzer_connection = ""
        self._connection = secrets.token_hex(8)
        self._number = 0
        self._last_heartbeat = self._next_heartbeat = time.monotonic()
        self._told: dict[str, str] = {}
        self._stopping = threading.Event()
        self._complained = False
        self._said: set[str] = set()
        self.refusal = ""
        """Why the broker would not have us, or we not trust it, where one of us said so."""
        self._welcomed: bool | None = None
        self._is_cut_off = False
        self._hung_up = 0
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=str(principal),
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.max_queued_messages_set(_MAX_WAITING)
        client.on_socket_open = _send_at_once
        client.on_socket_register_write = _leave_it_to_the_loop
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        self._overheard = Overheard()
        self._identity = None if broker.plain else identity
        if self._identity is not None:
            self._context = self._identity.client_context()
            client.tls_set_context(self._context)
            paho = logging.Logger("paho", logging.ERROR)
            paho.addHandler(self._overheard)
            client.enable_logger(paho)
        self._thread = threading.Thread(target=self._stay_connected, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect, in the background, for as long as it takes."""
        self._thread.start()

    def stop(self) -> None:
        """Say that we end in order, and end."""
        self._stopping.set()
        if self._client.is_connected():
            farewell = self._client.publish(topics.status(self.principal), self._status(Life.STOPPED), _QOS)
            with contextlib.suppress(ValueError, RuntimeError):
                farewell.wait_for_publish(_FAREWELL_SECONDS)
        self._client.disconnect()
        self._thread.join(_FAREWELL_SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether there is a broker."""
        return self._client.is_connected()

    @property
    def connection(self) -> object:
        """The socket to the broker, to look at how it is protected; `None` without one."""
        return self._client.socket()

    def publish(self, topic: str, payload: bytes, qos: int = _QOS) -> bool:
        """Publish, or, at QoS 1, keep it until the broker is back; `False` if that can't be."""
        if qos == 0:
            return self.is_connected and self._client.publish(topic, payload, 0).rc == mqtt.MQTT_ERR_SUCCESS
        kept = self._client.publish(topic, payload, qos).rc != mqtt.MQTT_ERR_QUEUE_SIZE
        if not kept and not self._complained:
            log.error("the broker at %s has been away too long: messages are being dropped", self._broker)
        self._complained = not kept
        return kept

    def publish_tracked(self, topic: str, payload: bytes) -> Callable[[], bool] | None:
        """Publish at QoS 1; return what tells whether the broker has it, `None` if nothing was sent."""
        if not self.is_connected:
            return None
        sent = self._client.publish(topic, payload, _QOS)
        return sent.is_published if sent.rc == mqtt.MQTT_ERR_SUCCESS else None

    def seconds_to_heartbeat(self) -> float:
        """Return how long the program may wait for events before it must call `heartbeat`."""
        return max(0.0, self._next_heartbeat - time.monotonic())

    def heartbeat(self) -> None:
        """Tell how we are, if there is a broker to tell."""
        now = time.monotonic()
        self._last_heartbeat, self._next_heartbeat = now, now + HEARTBEAT_SECONDS
        if self._client.is_connected():
            status = self._status(Life.RUNNING, self._delivery())
            self._client.publish(topics.status(self.principal), status, _QOS)

    def answer_soon(self) -> None:
        """See to a heartbeat within about a second: a thousand hosts spread theirs."""
        spread = random.uniform(0.0, _ANSWER_SECONDS)  # noqa: S311 (not a secret)
        soon = max(time.monotonic() + spread, self._last_heartbeat + _NEWS_SECONDS)
        self._next_heartbeat = min(self._next_heartbeat, soon)

    def tell_news(self) -> None:
        """See to a heartbeat soon if the facts have changed: each second at most, not each 30."""
        if dict(self._facts()) != self._told:
            self._next_heartbeat = min(self._next_heartbeat, self._last_heartbeat + _NEWS_SECONDS)

    def _status(self, life: Life, delivery: SpoolState | None = None) -> bytes:
        self._number += 1
        self._told = dict(self._facts())
        return encode(
            Status(
                principal=str(self.principal),
                connection=self._connection,
                life=life,
                number=self._number,
                at=datetime.now(UTC),
                program_version=program_version(),
                facts=self._told,
                delivery=delivery,
            )
        )

    def _stay_connected(self) -> None:
        delays = backoff()
        while not self._stopping.is_set():
            self._connection = secrets.token_hex(8)
            self._client.will_set(topics.status(self.principal), self._status(Life.GONE), _QOS)
            self._welcomed = None
            try:
                self._show_newest()
                self._client.connect(self._broker.host, self._broker.port, _KEEP_ALIVE)
                self._is_cut_off = False
                while not self._is_cut_off and self._client.loop(_LOOP_SECONDS) == mqtt.MQTT_ERR_SUCCESS:
                    pass
            except OSError as error:
                self._not_connected(error)
            except SettingsError as error:
                self._complain(str(error))
            except Exception as error:  # noqa: BLE001 (whatever it was: deaf we are of no use)
                log.error("lost the broker at %s: %s", self._broker, type(error).__name__)  # noqa: TRY400
            if self._welcomed:
                delays = backoff()
                self._said.clear()
            self._stopping.wait(next(delays))

    def _show_newest(self) -> None:
        if self._identity is not None:
            self._identity.load_into(self._context)

    def _not_connected(self, error: OSError) -> None:
        if self._identity is not None and isinstance(error, ssl.SSLError | ConnectionResetError):
            self._complain_of_tls(f"no broker at {self._broker} to trust", error)
        else:
            self._complain(f"no broker at {self._broker} yet ({error.strerror or error}); trying again")

    def _complain_of_tls(self, what: str, error: OSError) -> None:
        # Whoever refuses us says why and hangs up, and sometimes that is all that arrives.
        self._hung_up = 0 if says_why(error) else self._hung_up + 1
        if says_why(error) or (self._hung_up >= _HANG_UPS and not self._said):
            words = f"{what}: {tls_trouble(error)}"
            self.refusal = words if says_why(error) else self.refusal
            self._complain(words)

    def _complain(self, words: str) -> None:
        """Say what keeps us from the broker: once, until we were connected again."""
        if words not in self._said:
            self._said.add(words)
            log.warning("%s", words)

    def _on_connect(self, client: mqtt.Client, *rest: Any) -> None:
        refused: ReasonCode = rest[2]
        self._welcomed = not refused.is_failure
        if not self._welcomed:
            hint = "; was our certificate revoked?" if self._identity is not None else ""
            self.refusal = f"the broker at {self._broker} refused us: {refused}{hint}"
            self._complain(self.refusal)
            return
        log.info("connected to the broker at %s as %s", self._broker, self.principal)
        if self._subscriptions:
            client.subscribe([(topic, _QOS) for topic in self._subscriptions])
        else:
            self._inbox.put(Connected())

    def _on_subscribe(self, *rest: Any) -> None:
        refused = [
            topic for topic, code in zip(self._subscriptions, rest[3], strict=False) if code.is_failure
        ]
        if refused:
            log.error("the broker at %s refused the subscription to %s", self._broker, ", ".join(refused))
        self._inbox.put(Connected(tuple(refused)))

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        if topic == _ANALYZER_STATUS and self.principal.program in _ANSWER:
            self._analyzer_says(message.payload)
        elif topics.comes_again(topic) and self._inbox.qsize() >= self._most_waiting:
            self.left += 1
            if (count := self._lefts.one_more()) is not None:
                log.warning("left a message for its sender to repeat: too many wait (%d so far)", count)
        else:
            self._inbox.put(Received(topic, message.payload))

    def _analyzer_says(self, payload: bytes | bytearray) -> None:
        """See to it that an analyzer is answered that was not there before."""
        try:
            status = decode_status(_ANALYZER_STATUS, payload)
        except MessageError:
            return
        if status.life is Life.RUNNING and status.connection != self._analyzer_connection:
            self._analyzer_connection = status.connection
            self._inbox.put(Asked())

    def _on_disconnect(self, *rest: Any) -> None:
        self._is_cut_off = True
        refused = self._overheard.take()
        if refused is not None and self._welcomed is None:
            self._complain_of_tls(f"the broker at {self._broker} refused us", refused)
        elif self._welcomed is not False and not self._stopping.is_set():
            self._complain(f"lost the broker at {self._broker} ({rest[3]})")
        self._inbox.put(Disconnected(str(rest[3])))


def _send_at_once(_client: mqtt.Client, _userdata: object, connection: object) -> None:
    """Turn Nagle's algorithm off: behind a PUBACK a command would wait for a delayed ACK, up to 40 ms."""
    cast("socket.socket", connection).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _leave_it_to_the_loop(*_: object) -> None:
    """Have the loop's thread send, which is woken by what is queued: so it is where this callback is set.

    Else the thread that publishes sends by itself, while the loop reads: a TLS connection can't take that
    (seen: "SSL: BAD_LENGTH", and the connection gone).
    """
