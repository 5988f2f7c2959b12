"""Real brokers for tests, each on a free port of loopback, and a plain MQTT client to look at them with."""

import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from vedette_transport import BrokerAddress

WAIT = 20.0
KINDS = ("embedded", "mosquitto")


@dataclass
class RunningBroker:
    kind: str
    address: BrokerAddress
    process: "subprocess.Popen[bytes]"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def broker(kind: str, folder: Path, port: int | None = None) -> Generator[RunningBroker]:
    """Run a broker until the block ends; it takes connections when the block begins."""
    address = BrokerAddress(port=port or free_port())
    folder.mkdir(exist_ok=True)
    if kind == "embedded":
        settings = folder / "broker.toml"
        settings.write_text(f'[listen]\nhost = "127.0.0.1"\nport = {address.port}\n')
        command = [sys.executable, "-m", "vedette_broker", "--settings", str(settings)]
    else:
        settings = folder / "mosquitto.conf"
        settings.write_text(f"listener {address.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        command = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(settings)]
    with (folder / f"{kind}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _await_port(address, process)
        yield RunningBroker(kind, address, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(address: BrokerAddress, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        assert process.poll() is None, "the broker ended"
        client = Client(address, connect=False)
        try:
            client.connect()
        except OSError:
            time.sleep(0.02)  # until its socket is there, there is nothing to wait on
            continue
        client.close()
        return
    raise AssertionError("the broker takes no connections")


class Client:
    """A plain MQTT client: what any operator has."""

    def __init__(
        self, address: BrokerAddress, *subscriptions: str, client_id: str = "", connect: bool = True
    ) -> None:
        self.address, self.subscriptions = address, subscriptions
        self.messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if connect:
            self.connect()

    def connect(self) -> None:
        self._client.connect(self.address.host, self.address.port)
        self._client.loop_start()
        assert self._ready.wait(WAIT), "no broker answered"

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        if self.subscriptions:
            client.subscribe([(topic, 1) for topic in self.subscriptions])
        else:
            self._ready.set()

    def _on_subscribe(self, *_: Any) -> None:
        self._ready.set()

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        self.messages.put((message.topic, bytes(message.payload)))

    def publish(self, topic: str, payload: bytes, within: float = WAIT) -> None:
        self._client.publish(topic, payload, 1).wait_for_publish(within)

    def next(self, timeout: float = WAIT) -> tuple[str, bytes]:
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no message within {timeout} s") from None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
