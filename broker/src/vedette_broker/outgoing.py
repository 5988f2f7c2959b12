"""What goes to one client: written once a turn, with a window at QoS 1 and a bound on what is unread."""

import asyncio
from collections import deque
from collections.abc import Callable

from .packets import Message

WINDOW = 100
"""Messages at QoS 1 that a client has not acknowledged; the next wait."""

MAX_UNREAD = 8 * 2**20
"""Bytes that wait for a client; one that does not read or acknowledge them is cut off."""

_PACKET_IDS = 65_535
_OVERHEAD = 100


class Outgoing:
    """Never waits for the client: that would hold up the others."""

    def __init__(self, transport: asyncio.Transport, give_up: Callable[[str], None]) -> None:
        """Write to `transport`; call `give_up`, once, with the reason to cut the client off."""
        self._transport, self._give_up = transport, give_up
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._unacknowledged: set[int] = set()
        self._waiting: deque[Message] = deque()
        self._waiting_bytes = 0
        self._last_id = 0
        self._is_over = False

    def send(self, packet: bytes) -> None:
        """Send a packet at the end of this turn of the loop, together with the others of the turn."""
        if not self._unsent:
            self._loop.call_soon(self.flush)
        self._unsent.append(packet)
        self._unsent_bytes += len(packet)
        if self._unsent_bytes > MAX_UNREAD:  # in one turn, of many who publish at once
            self.flush()

    def flush(self) -> None:
        """Send now."""
        if self._is_over or not self._unsent:
            return
        if self._transport.get_write_buffer_size() > MAX_UNREAD:
            self._over("cut off: it does not read")
        else:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()
        self._unsent_bytes = 0

    def deliver(self, message: Message, qos: int) -> None:
        """Send a message, or have it wait until the client has acknowledged others."""
        if self._is_over:
            return
        if qos == 0:
            self.send(message.at_most_once)
        elif len(self._unacknowledged) < WINDOW:
            self._send_to_be_acknowledged(message)
        else:
            self._waiting.append(message)
            self._waiting_bytes += message.size + _OVERHEAD
            if self._waiting_bytes > MAX_UNREAD:
                self._over("cut off: it does not acknowledge")

    def acknowledged(self, packet_id: int) -> None:
        """Note a PUBACK; what was waiting for it goes out."""
        if packet_id in self._unacknowledged:
            self._unacknowledged.remove(packet_id)
            if self._waiting:
                message = self._waiting.popleft()
                self._waiting_bytes -= message.size + _OVERHEAD
                self._send_to_be_acknowledged(message)

    def _send_to_be_acknowledged(self, message: Message) -> None:
        self._last_id = self._last_id % _PACKET_IDS + 1
        while self._last_id in self._unacknowledged:
            self._last_id = self._last_id % _PACKET_IDS + 1
        self._unacknowledged.add(self._last_id)
        self.send(message.at_least_once(self._last_id))

    def _over(self, why: str) -> None:
        self._is_over = True
        self._waiting.clear()
        # Later: whoever delivers is not to find others gone, nor last wills sent, in the middle of it.
        self._loop.call_soon(self._give_up, why)
