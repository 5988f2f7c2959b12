"""A TCP line that is slow and breaks: a proxy in a process of its own.

`python -m tests.faults.proxy PORT TO_PORT DELAY_SECONDS CUT_SECONDS SEED`: what goes in comes out that much
later, in both directions, and each connection is cut after a random time around CUT_SECONDS.
"""

import asyncio
import contextlib
import random
import sys


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on in order, each part `delay` seconds after it came."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1_000)

    async def take() -> None:
        while part := await reader.read(65_536):
            await waiting.put((loop.time() + delay, part))
        await waiting.put((loop.time() + delay, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, part = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not part:
                return
            writer.write(part)
            await writer.drain()
    finally:
        taking.cancel()


async def _serve(port: int, to: int, delay: float, cut: float, moments: random.Random) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", to)
            ways = [
                asyncio.create_task(_pass_on(reader, to_writer, delay)),
                asyncio.create_task(_pass_on(to_reader, writer, delay)),
            ]
            await asyncio.wait(
                ways, timeout=moments.uniform(0.3, 1.7) * cut, return_when=asyncio.FIRST_COMPLETED
            )
            for way in ways:
                way.cancel()
            for each in (writer, to_writer):
                each.transport.abort()  # with a reset, in the middle of whatever was said

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    port, to, delay, cut, seed = sys.argv[1:]
    asyncio.run(_serve(int(port), int(to), float(delay), float(cut), random.Random(int(seed))))
