"""Asks a broker, or the analyzer behind it, whether it serves: `python -m vedette_transport.health`."""

import argparse
import ssl
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from vedette_schemas import (
    ANALYZER,
    Life,
    MessageError,
    SettingsError,
    Status,
    VedetteError,
    decode_status,
    encode,
    topics,
)
from vedette_schemas.access import HEALTH

from .entry import program_version
from .settings import BrokerAddress
from .tls import tls_trouble

if TYPE_CHECKING:
    from .identity import Identity

_SECONDS = 5


class UnhealthyError(VedetteError):
    """What was asked does not serve."""


class Probe:
    """A client that connects, asks once and leaves."""

    def __init__(self, broker: BrokerAddress, identity: "Identity | None" = None) -> None:
        """Set up, without connecting. With an identity it is over TLS; without, the broker names us."""
        self._broker = broker
        self._answered, self._analyzer = threading.Event(), threading.Event()
        self._status: Status | None = None
        self._refused = ""
        self._principal = identity.principal if identity else HEALTH
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=str(self._principal) if identity else ""
        )
        if identity is not None:
            client.tls_set_context(identity.client_context())
        client.connect_timeout = _SECONDS
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message

    def broker(self) -> None:
        """Connect and subscribe; raise `UnhealthyError` if the broker does not take us."""
        try:
            # The time between pings is also what paho gives a TLS handshake.
            self._client.connect(self._broker.host, self._broker.port, keepalive=_SECONDS)
        except ssl.SSLError as error:
            raise UnhealthyError(f"no broker at {self._broker} to trust: {tls_trouble(error)}") from None
        except TimeoutError:
            raise self._silent() from None
        except OSError as error:
            raise UnhealthyError(f"no broker at {self._broker}: {error.strerror or error}") from None
        self._client.loop_start()
        if not self._answered.wait(_SECONDS):
            raise self._silent()
        if self._refused:
            raise UnhealthyError(f"the broker at {self._broker} refuses us: {self._refused}")

    def _silent(self) -> UnhealthyError:
        return UnhealthyError(f"what listens at {self._broker} does not answer")

    def analyzer(self) -> None:
        """Make the analyzer tell how it is; raise `UnhealthyError` if that is not well, or it does not."""
        self._client.publish(topics.status(self._principal), self._greeting(), 1)
        if not self._analyzer.wait(_SECONDS) or self._status is None:
            raise UnhealthyError("the analyzer does not answer")
        archive = self._status.facts.get("archive", "off: it says nothing of it")
        if archive != "on":
            raise UnhealthyError(f"the archive is {archive}")

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *rest: Any) -> None:
        if rest[2].is_failure:
            self._refused = str(rest[2])
            self._answered.set()
        else:
            client.subscribe(topics.status(ANALYZER), 1)

    def _on_disconnect(self, *_: Any) -> None:
        if not self._answered.is_set():  # with TLS 1.3 a certificate is refused after the handshake
            self._refused = "it hangs up; does it take our certificate?"
            self._answered.set()

    def _on_subscribe(self, *rest: Any) -> None:
        self._refused = str(rest[3][0]) if rest[3][0].is_failure else ""
        self._answered.set()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            status = decode_status(message.topic, message.payload)
        except (MessageError, UnicodeDecodeError):
            return
        if status.life is Life.RUNNING:
            self._status = status
            self._analyzer.set()

    def _greeting(self) -> bytes:
        return encode(
            Status(
                principal=str(self._principal),
                connection="0" * 16,
                life=Life.RUNNING,
                number=1,
                at=datetime.now(UTC),
                program_version=program_version(),
            )
        )


def main() -> None:
    """Ask; leave with 1 and a line if it does not serve."""
    parser = argparse.ArgumentParser(prog="vedette-health", description="Asks whether a server serves.")
    parser.add_argument("--broker", required=True, metavar="HOST:PORT", help="where the broker is")
    parser.add_argument(
        "--identity", type=Path, metavar="FOLDER", help="whose certificate to show; none: no TLS"
    )
    parser.add_argument("--analyzer", action="store_true", help="ask the analyzer too")
    options = parser.parse_args()
    try:
        _ask(BrokerAddress.parse(options.broker), options.identity, analyzer=options.analyzer)
    except (UnhealthyError, SettingsError) as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(1)
    sys.stdout.write("well\n")


def _ask(broker: BrokerAddress, folder: Path | None, *, analyzer: bool) -> None:
    identity = None
    if folder is not None:
        from .identity import Identity  # noqa: PLC0415 (cryptography takes its time)

        identity = Identity(folder)
    probe = Probe(broker, identity)
    try:
        probe.broker()
        if analyzer:
            probe.analyzer()
    finally:
        probe.close()


if __name__ == "__main__":
    main()
