"""Handing observations over to the sensor: what it has not said it has is kept, and sent again."""

import contextlib
import logging
import secrets
import socket
import threading
from collections import OrderedDict

from vedette_schemas import Handover, Hello, Message, MessageError, Taken, decode, encode
from vedette_transport import read_lines

from .observing import Observed

log = logging.getLogger(__name__)

MOST_KEPT = 20_000
MOST_BYTES = 8 * 1024 * 1024


class Kept:
    """Hand-overs that the sensor has not taken yet, in order; a bounded number, the oldest go first."""

    def __init__(self, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES) -> None:
        """Keep at most so many hand-overs, and so many bytes of them."""
        self._most, self._most_bytes = most, most_bytes
        self._lines: OrderedDict[int, bytes] = OrderedDict()
        self._bytes = 0
        self._sequence = 0
        self.dropped = 0

    def add(self, observation: Observed) -> None:
        """Keep an observation under the next sequence."""
        self._sequence += 1
        line = _line(Handover(sequence=self._sequence, observation=observation))
        self._lines[self._sequence] = line
        self._bytes += len(line)
        while len(self._lines) > self._most or self._bytes > self._most_bytes:
            self._forget_first()
            self.dropped += 1

    def taken(self, sequence: int) -> None:
        """Forget all up to `sequence`: the sensor has it."""
        while self._lines and next(iter(self._lines)) <= sequence:
            self._forget_first()

    def after(self, sequence: int) -> tuple[int, bytes]:
        """Return the last sequence kept, and all lines after `sequence`."""
        lines: list[bytes] = []
        for number in reversed(self._lines):
            if number <= sequence:
                break
            lines.append(self._lines[number])
        return self._sequence, b"".join(reversed(lines))

    def _forget_first(self) -> None:
        _, line = self._lines.popitem(last=False)
        self._bytes -= len(line)


class SensorLink:
    """What the sensor is to know. Any thread may report and tell; none of them ever waits for it."""

    def __init__(self, kept: Kept | None = None) -> None:
        """Begin, under a name of its own."""
        self._nonce = secrets.token_hex(8)
        self._kept = kept or Kept()
        self._sources: dict[str, str] = {}
        self._greeted: dict[str, str] | None = None
        self._sent = 0
        self._lost = False
        self._news = threading.Condition()

    def report(self, observation: Observed | None) -> None:
        """Hand over what was observed, if anything was, now or once the sensor is there."""
        if observation is None:
            return
        with self._news:
            self._kept.add(observation)
            self._news.notify()

    def tell(self, source: str, words: str) -> None:
        """Say how a source is; what can't be written in UTF-8 (of a display's name, say) is replaced."""
        with self._news:
            self._sources[source] = words.encode("utf-8", "replace").decode()[:300]
            self._news.notify()

    def hand_over(self, connection: socket.socket) -> None:
        """Send what there is until the sensor is gone; what it had not taken then is sent again."""
        self._greeted, self._sent, self._lost = None, 0, False
        listener = threading.Thread(target=self._listen, args=(connection,), name="taken", daemon=True)
        listener.start()
        try:
            while lines := self._next_lines():
                connection.sendall(lines)
        finally:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            listener.join()

    def _next_lines(self) -> bytes:
        """Wait for something to send; nothing is left to be sent to a sensor that is gone."""
        with self._news:
            self._news.wait_for(lambda: self._lost or self._has_news())
            if self._lost:
                return b""
            hello = b""
            if self._greeted != self._sources:
                self._greeted = dict(self._sources)
                hello = _line(Hello(nonce=self._nonce, sources=self._greeted))
            self._sent, lines = self._kept.after(self._sent)
            if self._kept.dropped:
                log.warning("%d observations were dropped: the sensor was away too long", self._kept.dropped)
                self._kept.dropped = 0
        return hello + lines

    def _has_news(self) -> bool:
        return self._greeted != self._sources or self._kept.after(self._sent)[1] != b""

    def _listen(self, connection: socket.socket) -> None:
        """Hear what the sensor has taken."""
        try:
            for line in read_lines(connection):
                taken = decode(Taken, line)
                with self._news:
                    self._kept.taken(taken.sequence)
        except (OSError, MessageError) as error:
            log.warning("the sensor broke off: %s", error)
        finally:
            with self._news:
                self._lost = True
                self._news.notify()


def _line(message: Message) -> bytes:
    return encode(message) + b"\n"
