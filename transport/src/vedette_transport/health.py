"""Asks a broker, or the analyzer behind it, whether it serves: `python -m vedette_transport.health`."""

import argparse
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from vedette_schemas import (
    ANALYZER,
    Life,
    MessageError,
    Principal,
    Program,
    Status,
    VedetteError,
    decode_status,
    encode,
    topics,
)

from .entry import program_version
from .settings import BrokerAddress

_WE = Principal(Program.CONSOLE, "health")
_SECONDS = 5.0


class UnhealthyError(VedetteError):
    """What was asked does not serve."""


class Probe:
    """A client that connects, asks once and leaves."""

    def __init__(self, broker: BrokerAddress) -> None:
        """Set up, without connecting."""
        self._broker = broker
        self._answered, self._analyzer = threading.Event(), threading.Event()
        self._status: Status | None = None
        self._refused = ""
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2)  # the broker names us
        client.connect_timeout = _SECONDS
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message

    def broker(self) -> None:
        """Connect and subscribe; raise `UnhealthyError` if the broker does not take us."""
        try:
            self._client.connect(self._broker.host, self._broker.port)
        except OSError as error:
            raise UnhealthyError(f"no broker at {self._broker}: {error.strerror or error}") from None
        self._client.loop_start()
        if not self._answered.wait(_SECONDS):
            raise UnhealthyError(f"what listens at {self._broker} does not answer")
        if self._refused:
            raise UnhealthyError(f"the broker at {self._broker} refuses us: {self._refused}")

    def analyzer(self) -> None:
        """Make the analyzer tell how it is; raise `UnhealthyError` if that is not well, or it does not."""
        self._client.publish(topics.status(_WE), _greeting(), 1)
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


def _greeting() -> bytes:
    return encode(
        Status(
            principal=str(_WE),
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
    parser.add_argument("--analyzer", action="store_true", help="ask the analyzer too")
    options = parser.parse_args()
    host, _, port = options.broker.rpartition(":")
    probe = Probe(BrokerAddress(host=host, port=port))
    try:
        probe.broker()
        if options.analyzer:
            probe.analyzer()
    except UnhealthyError as error:
        sys.stdout.write(f"{error}\n")
        sys.exit(1)
    finally:
        probe.close()
    sys.stdout.write("well\n")


if __name__ == "__main__":
    main()
