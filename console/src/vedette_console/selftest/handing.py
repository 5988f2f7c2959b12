"""Handing observations over to this host's sensor, as a session does."""

import contextlib
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from vedette_schemas import (
    ClipboardCopied,
    Handover,
    Hello,
    Kind,
    MessageError,
    Taken,
    WindowFocused,
    decode,
    encode,
)
from vedette_schemas.fields import OperatingSystem
from vedette_transport import read_lines

_SECONDS = 2.0
_SYSTEMS: Final[dict[str, OperatingSystem]] = {"win32": "windows", "darwin": "macos"}
_SYSTEM: Final[OperatingSystem] = _SYSTEMS.get(sys.platform, "linux")


def reach(path: Path) -> socket.socket:
    """Connect to the sensor; raise `OSError` where that can't be."""
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("Python has no Unix sockets on this system")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_SECONDS)
    try:
        with contextlib.chdir(path.parent):  # the address of a Unix socket has room for 107 bytes
            connection.connect(path.name)
        connection.settimeout(None)
    except OSError:
        connection.close()
        raise
    return connection


def hand_over(
    connection: socket.socket, texts: Mapping[Kind, str], taken: Callable[[Kind, float], None]
) -> None:
    """Hand over a window and a copied text; `taken` is told, from another thread, when each is safe."""
    kinds = tuple(texts)
    hello = Hello(nonce=secrets.token_hex(8), sources={})
    handed = [_handover(number, *each) for number, each in enumerate(texts.items(), 1)]
    began = time.monotonic()

    def listen() -> None:
        with contextlib.suppress(OSError, MessageError):
            for line in read_lines(connection):
                for kind in kinds[: decode(Taken, line).sequence]:
                    taken(kind, time.monotonic() - began)

    threading.Thread(target=listen, name="taken", daemon=True).start()
    with contextlib.suppress(OSError):  # what it has not taken, it does not say that it has
        connection.sendall(b"".join(encode(message) + b"\n" for message in (hello, *handed)))


def _handover(sequence: int, kind: Kind, text: str) -> Handover:
    now = datetime.now(UTC)
    if kind is Kind.WINDOW:
        return Handover(sequence=sequence, observation=WindowFocused(seen_at=now, os=_SYSTEM, title=text))
    copied = ClipboardCopied(seen_at=now, text=text, length=len(text))
    return Handover(sequence=sequence, observation=copied)
