"""Hosts as broker and analyzer see them: two connections, four heartbeats, an observation a minute.

As light as can be, so that thousands of them leave the machine to the broker: MQTT's packets are put together
here (MQTT 3.1.1, chapter 3), the payloads are the product's own messages.
"""

import asyncio
import json
import random
import resource
import secrets
import ssl
import struct
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from vedette_schemas import (
    ANALYZER,
    HEARTBEAT_SECONDS,
    Kind,
    Life,
    Message,
    Principal,
    Process,
    Program,
    Report,
    SpoolState,
    Status,
    StreamState,
    WindowFocused,
    decode_ack,
    encode,
    topics,
)
from vedette_transport.identity import Identity

OBSERVATION_SECONDS = 60.0
AT_ONCE = 16
"""How many connect at a time."""

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 0x20, 0x30, 0x40, 0x90
_PING = b"\xc0\x00"
_WILL_AND_CLEAN = 0x02 | 0x04 | 0x08  # clean session, a will at QoS 1
_WAIT = 60.0


def _text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(raw)) + raw


def _packet(kind: int, body: bytes) -> bytes:
    size, length = bytearray(), len(body)
    while True:
        length, digit = length >> 7, length & 0x7F
        size.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([kind]) + bytes(size) + body


class Connection:
    """A principal's connection to the broker."""

    def __init__(self, principal: Principal, context: ssl.SSLContext, *subscriptions: str) -> None:
        """Set up, without connecting."""
        self.principal, self._context, self._subscriptions = principal, context, subscriptions
        self._nonce, self._beats, self._packets = secrets.token_hex(8), 0, 0
        self.lost = False
        self.seconds = 0.0
        """How long it took to connect: TCP, TLS, CONNECT and SUBSCRIBE."""

    async def open(self, port: int) -> None:
        """Connect and subscribe; raise where the broker does not answer, or refuses."""
        began = time.monotonic()
        self._reader, self._writer = await asyncio.open_connection("localhost", port, ssl=self._context)
        will = _text(topics.status(self.principal)) + _text(encode(self._status(Life.GONE)))
        head = _text("MQTT") + bytes([4, _WILL_AND_CLEAN]) + struct.pack(">H", int(HEARTBEAT_SECONDS))
        self._writer.write(_packet(0x10, head + _text(str(self.principal)) + will))
        await self._await(_CONNACK, b"\x00\x00")
        filters = b"".join(_text(topic) + b"\x01" for topic in self._subscriptions)
        self._writer.write(_packet(0x82, b"\x00\x01" + filters))
        await self._await(_SUBACK, b"\x00\x01" + b"\x01" * len(self._subscriptions))
        self.seconds = time.monotonic() - began

    async def _await(self, kind: int, body: bytes) -> None:
        got = await asyncio.wait_for(self._read(), _WAIT)
        if got != (kind, body):
            raise ConnectionError(f"{self.principal}: the broker answered {got}")

    async def _read(self) -> tuple[int, bytes]:
        kind, length, shift = (await self._reader.readexactly(1))[0], 0, 0
        while True:
            digit = (await self._reader.readexactly(1))[0]
            length |= (digit & 0x7F) << shift
            if digit < 0x80:
                return kind, await self._reader.readexactly(length)
            shift += 7

    async def listen(self) -> None:
        """Take what comes, until the broker ends it."""
        try:
            while True:
                kind, body = await self._read()
                if kind & 0xF0 == _PUBLISH:
                    self._published(kind, body)
        except (OSError, asyncio.IncompleteReadError):
            self.lost = True

    def _published(self, kind: int, body: bytes) -> None:
        end = 2 + int.from_bytes(body[:2], "big")
        topic = body[2:end].decode()
        if kind & 0x06:  # QoS 1
            self._writer.write(_packet(_PUBACK, body[end : end + 2]))
            end += 2
        self.received(topic, body[end:])

    def received(self, topic: str, payload: bytes) -> None:
        """Take a message."""

    def publish(self, topic: str, message: Message, qos: int) -> None:
        """Send a message."""
        self._packets = self._packets % 65_535 + 1
        number = struct.pack(">H", self._packets) if qos else b""
        self._writer.write(_packet(_PUBLISH | qos << 1, _text(topic) + number + encode(message)))

    def beat(self) -> None:
        """Tell how we are, as the product does, and ping as paho does."""
        self.publish(topics.status(self.principal), self._status(Life.RUNNING), 1)
        self._writer.write(_PING)

    def _status(self, life: Life) -> Status:
        self._beats += 1
        return Status(
            principal=str(self.principal),
            connection=self._nonce,
            life=life,
            number=self._beats,
            at=datetime.now(UTC),
            program_version="0",
            delivery=self.delivery() if life is Life.RUNNING else None,
        )

    def delivery(self) -> SpoolState | None:
        """Tell how the spool stands, where there is one."""
        return None


class Sensor(Connection):
    """A host's sensor: an observation a minute, told in heartbeats until it is archived."""

    def __init__(self, principal: Principal, context: ssl.SSLContext) -> None:
        """Set up, without connecting."""
        super().__init__(principal, context, topics.ack(principal), topics.status(ANALYZER))
        self._spool, self._told, self._next, self._oldest = secrets.token_hex(8), 0, 1, 1

    def observe(self) -> None:
        """See a window, and report it."""
        now = datetime.now(UTC)
        process = Process(pid=4_242, started=self._next, executable="/usr/bin/some-editor")
        title = f"Notes of the day, page {self._next} - Some Editor"
        seen = WindowFocused(
            seen_at=now, os="linux", title=title, uid=1000, process=process, pid_from="server"
        )
        report = Report(
            sender=str(self.principal),
            spool=self._spool,
            kind=Kind.WINDOW,
            first=self._next,
            sent_at=now,
            items=(seen,),
        )
        self._next += 1
        self.publish(topics.report(self.principal, Kind.WINDOW), report, 0)

    def received(self, topic: str, payload: bytes) -> None:
        """Take an ack: what is archived up to its first gap is not held any more."""
        if topic == topics.ack(self.principal):
            for stream in decode_ack(topic, payload).streams:
                for first, last in stream.ranges:
                    if first <= self._oldest <= last:
                        self._oldest = last + 1

    @property
    def unarchived(self) -> int:
        """How many observations wait for an ack."""
        return self._next - self._oldest

    def delivery(self) -> SpoolState:
        """Tell how the spool stands."""
        self._told += 1
        stream = StreamState(
            spool=self._spool, kind=Kind.WINDOW, ordinal=1, final=False, next=self._next, oldest=self._oldest
        )
        return SpoolState(spool=self._spool, ordinal=1, number=self._told, complete=True, streams=(stream,))


class Host:
    """A host: its sensor and its enforcer."""

    def __init__(self, name: str, identities: Path) -> None:
        """Read its identities from `identities/NAME-sensor` and `identities/NAME-enforcer`."""
        sensor, enforcer = Principal(Program.SENSOR, name), Principal(Program.ENFORCER, name)
        self.sensor = Sensor(sensor, Identity(identities / f"{name}-sensor").client_context())
        self.enforcer = Connection(
            enforcer,
            Identity(identities / f"{name}-enforcer").client_context(),
            topics.command(enforcer),
            topics.ack(enforcer),
            topics.status(ANALYZER),
        )
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def connections(self) -> tuple[Connection, Connection]:
        """Both of its connections."""
        return self.sensor, self.enforcer

    async def join(self, port: int) -> None:
        """Connect, and live from then on."""
        for connection in self.connections:
            await connection.open(port)
            self._tasks.append(asyncio.create_task(connection.listen()))
            connection.beat()
        self._tasks += [
            asyncio.create_task(_each(OBSERVATION_SECONDS, self.sensor.observe)),
            asyncio.create_task(_each(HEARTBEAT_SECONDS, self.sensor.beat)),
            asyncio.create_task(_each(HEARTBEAT_SECONDS, self.enforcer.beat)),
        ]


async def _each(seconds: float, act: Callable[[], None]) -> None:
    """Do it each so many seconds, beginning anywhere within the first: hosts are not in step."""
    await asyncio.sleep(random.uniform(0.0, seconds))
    while True:
        act()
        await asyncio.sleep(seconds)


async def _serve(port: int, identities: Path) -> None:
    """Read how many hosts there are to be, a line each time; answer with what is seen of them, as JSON."""
    loop, hosts, gate = asyncio.get_running_loop(), list[Host](), asyncio.Semaphore(AT_ONCE)

    async def join(host: Host) -> None:
        async with gate:
            await host.join(port)

    while line := await loop.run_in_executor(None, sys.stdin.readline):
        new = [Host(f"load-{number}", identities) for number in range(len(hosts), int(line))]
        await asyncio.gather(*map(join, new))
        hosts += new
        connections = [connection for host in hosts for connection in host.connections]
        said = {
            "connect_seconds": [connection.seconds for host in new for connection in host.connections],
            "lost": sum(connection.lost for connection in connections),
            "unarchived": sum(host.sensor.unarchived for host in hosts),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Serve: arguments are the broker's port on localhost, and the folder of identities."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))


if __name__ == "__main__":
    main()
