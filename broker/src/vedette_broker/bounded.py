"""amqtt with bounds: it has none on packets, on what a slow client has not read, and on retained messages."""

import asyncio
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker

MAX_PACKET = 512 * 1024
"""Bytes of a packet: twice the largest payload of ours."""

MAX_UNREAD = 8 * 2**20
"""Bytes that wait for a client; one that does not read them is cut off."""


class BoundedBroker(Broker):
    """Retains nothing, and cuts off who sends too much at once or does not read."""

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve a connection."""
        bounded = _Reader(reader, writer), _Writer(writer)
        await self._client_connected(listener_name, *bounded)

    async def retain_message(self, *_: Any, **__: Any) -> None:
        """Forget it: nothing of Vedette's is retained, and any client could fill the memory so."""


class _Reader(StreamReaderAdapter):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader)
        self._transport = writer.transport

    async def read(self, n: int = -1) -> bytes:
        if n > MAX_PACKET:
            self._transport.abort()
            raise ConnectionResetError("a packet is too large")
        return bytes(await super().read(n))


class _Writer(StreamWriterAdapter):
    """Does not wait for a slow client, which would keep each message for it in a task of its own."""

    def write(self, data: bytes) -> None:
        transport = self._writer.transport
        if transport.get_write_buffer_size() > MAX_UNREAD:
            transport.abort()
        super().write(data)

    async def drain(self) -> None:
        return
