"""Real brokers for tests, each on a free port of loopback, and a plain MQTT client to look at them with."""

import itertools
import os
import queue
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from vedette_schemas import Principal
from vedette_schemas.access import mosquitto_acl
from vedette_transport import BrokerAddress

from .authority import Authority, Issued

ROOT = Path(__file__).parents[1]
WAIT = 20.0
KINDS = ("embedded", "mosquitto")


@dataclass
class RunningBroker:
    kind: str
    address: BrokerAddress
    process: "subprocess.Popen[bytes]"


_ports = itertools.count(os.getpid() * 1_009)


def free_port() -> int:
    """Return a port to listen at: the kernel gives it to nobody meanwhile, nor do tests beside us try it."""
    while True:
        port = 10_000 + next(_ports) % 20_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def broker(kind: str, folder: Path, port: int | None = None) -> Generator[RunningBroker]:
    """Run a broker until the block ends; it takes connections when the block begins."""
    address = BrokerAddress(port=port or free_port(), plain=True)
    folder.mkdir(exist_ok=True)
    if kind == "embedded":
        settings = folder / "broker.toml"
        settings.write_text(f'plain = true\n[listen]\nhost = "127.0.0.1"\nport = {address.port}\n')
        command = [sys.executable, "-m", "vedette_broker", "--settings", str(settings)]
    else:
        settings = folder / "mosquitto.conf"
        settings.write_text(f"listener {address.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        command = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(settings)]
    with _running(kind, folder, command, address) as running:
        _await_port(address, running.process)
        yield running


@contextmanager
def tls_broker(
    kind: str,
    folder: Path,
    authority: Authority,
    *,
    revoked: Iterable[Issued] = (),
    operators: Iterable[str] = ("operator@anna",),
    more: str = "",
    more_rules: str = "",
    module: str = "vedette_broker",
) -> Generator[RunningBroker]:
    """Run a broker with TLS and access rules; its files are in `folder`, `crl.pem` and the log among them.

    `more` is put before the other settings, and `more_rules` behind the access rules of Mosquitto; `module`
    is what runs as the embedded one.
    """
    address = BrokerAddress(port=free_port())
    folder.mkdir(exist_ok=True)
    put_identity(folder, authority)
    (folder / "crl.pem").write_bytes(authority.revoke(*revoked))
    if kind == "embedded":
        settings = folder / "broker.toml"
        settings.write_text(
            f'{more}\nidentity = "{folder}"\ncrl = "{folder}/crl.pem"\n[listen]\nport = {address.port}\n'
        )
        command = [sys.executable, "-m", module, "--settings", str(settings)]
    else:
        settings = folder / "mosquitto.conf"
        shipped = (ROOT / "deploy/mosquitto-tls.conf").read_text()
        here = shipped.replace("/var/lib/vedette/identity/broker", str(folder))
        here = here.replace("/var/lib/vedette/public", str(folder))
        settings.write_text(
            f"user root\n{more}\n{here.replace('listener 8883', f'listener {address.port} 127.0.0.1')}"
        )
        (folder / "mosquitto.acl").write_text(mosquitto_acl(map(Principal.parse, operators)) + more_rules)
        command = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(settings)]
    with _running(kind, folder, command, address) as running:
        _await_port(address, running.process, client_context(authority, authority.issue("console@main")))
        yield running


def put_identity(folder: Path, authority: Authority) -> None:
    """Write a new identity of the broker's: `key.pem`, `certificate.pem` and `ca.pem`."""
    authority.identity(folder, "broker@0", addresses=["127.0.0.1"])


def client_context(authority: Authority, identity: Issued | None) -> ssl.SSLContext:
    """Return what a client of that CA connects with; without `identity` it shows no certificate."""
    context = ssl.create_default_context(cafile=authority.path)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


@contextmanager
def _running(kind: str, folder: Path, command: list[str], address: BrokerAddress) -> Generator[RunningBroker]:
    with (folder / f"{kind}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield RunningBroker(kind, address, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(
    address: BrokerAddress, process: "subprocess.Popen[bytes]", tls: ssl.SSLContext | None = None
) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        assert process.poll() is None, "the broker ended"
        client = Client(address, client_id="console@main" if tls else "", tls=tls, connect=False)
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
        self,
        address: BrokerAddress,
        *subscriptions: str,
        client_id: str = "",
        tls: ssl.SSLContext | None = None,
        connect: bool = True,
    ) -> None:
        self.address, self.subscriptions = address, subscriptions
        self.messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.on_socket_open = _send_at_once
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


def _send_at_once(_client: mqtt.Client, _userdata: object, connection: object) -> None:
    cast("socket.socket", connection).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
