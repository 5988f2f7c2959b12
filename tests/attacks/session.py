"""A user of the victim's host, at its sensor's socket."""

import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from vedette_schemas import (
    Alert,
    ClipboardCopied,
    Handover,
    Hello,
    Message,
    Process,
    Taken,
    Terminate,
    WindowFocused,
    decode,
    encode,
)
from vedette_schemas.handover import MAX_LINE
from vedette_transport import read_lines

from tests import messages
from tests.enforcer.programs import NOBODY

WAIT = 30.0


class Session:
    """A user's session at the sensor's socket: the kernel says whose it is, the rest is what it says."""

    def __init__(self, where: Path, uid: int) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(WAIT)
        self._lines = read_lines(self.connection)
        self._number = 0
        try:
            self._connect(where, uid)
            self.say(Hello(nonce=uuid4().hex[:16], sources={"window": "on", "clipboard": "on"}))
        except OSError:  # whoever is one too many is cut off before the greeting or after it
            self.connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def _connect(self, where: Path, uid: int) -> None:
        os.seteuid(uid)
        try:
            self.connection.connect(str(where))
        finally:
            os.seteuid(0)

    def say(self, message: Message) -> None:
        line = encode(message) + b"\n"
        assert len(line) <= MAX_LINE
        self.connection.sendall(line)

    def hand_over(self, observation: WindowFocused | ClipboardCopied) -> None:
        """Hand over, and wait until it is taken."""
        self._number += 1
        self.say(Handover(sequence=self._number, observation=observation))
        assert decode(Taken, next(self._lines)).sequence == self._number

    def try_to_say(self, line: bytes) -> None:
        with suppress(OSError):
            self.connection.sendall(line + b"\n")

    def is_cut_off(self) -> bool:
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True


def window(process: Process | None, title: str = "a title", uid: int = NOBODY) -> WindowFocused:
    return messages.window(seen_at=datetime.now(UTC), process=process, title=title, uid=uid)


def title_of(alert: Alert) -> str:
    return alert.origin.excerpt if alert.origin else ""


def ending(process: Process, uid: int = NOBODY) -> Terminate:
    return Terminate(process=process, uid=uid)
