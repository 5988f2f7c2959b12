"""The Unix socket between users' sessions and the host's root programs: one JSON message a line.

The kernel vouches for who is at the other end; nothing that a session says of itself is believed.
"""

import contextlib
import logging
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from vedette_schemas import MAX_LINE, Message, SettingsError, encode

from .events import Inbox, Joined, Left, Line

log = logging.getLogger(__name__)

MAX_CLIENTS = 64
MAX_CLIENTS_OF_ONE_USER = 8
_SEND_TIMEOUT = struct.pack("@ll", 1, 0)  # a struct timeval: a session that does not read for 1 s is cut off
_WAITING = 16
"""Lines of one session that may wait to be handled: beyond that its own writes wait."""


def peer_uid(connection: socket.socket) -> int:
    """Return the user at the other end of a Unix socket, as the kernel vouches for it."""
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3I", credentials)[1])
    if sys.platform == "darwin":  # LOCAL_PEERCRED: struct xucred { u_int version; uid_t uid; … }
        credentials = connection.getsockopt(0, 1, 76)
        return int(struct.unpack_from("2I", credentials)[1])
    raise OSError("this system does not say who is at the other end of a local socket")


def read_lines(connection: socket.socket) -> Iterator[bytes]:
    """Yield each line until the other end is gone; raise `OSError` at one longer than `MAX_LINE`."""
    buffer = bytearray()
    while True:
        received = connection.recv(65_536)
        if not received:
            return
        buffer += received
        *lines, rest = buffer.split(b"\n")
        if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
            raise OSError("a line is too long")
        buffer = rest
        yield from map(bytes, lines)


class Client:
    """A session at the other end of our socket."""

    def __init__(self, connection: socket.socket) -> None:
        """Ask the kernel who it is; raise `OSError` if it does not say."""
        self.uid = peer_uid(connection)
        self._connection = connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        self._waiting = threading.BoundedSemaphore(_WAITING)

    def send(self, message: Message) -> None:
        """Send a message; a session that does not read is cut off."""
        try:
            self._connection.sendall(encode(message) + b"\n")
        except OSError:
            self.cut()

    def handled(self) -> None:
        """Say that a line of it was handled: it may write another."""
        self._waiting.release()

    def cut(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def feed(self, inbox: Inbox) -> None:
        """Put what it writes into `inbox` until it is gone."""
        inbox.put(Joined(self))
        try:
            for line in read_lines(self._connection):
                self._waiting.acquire()
                inbox.put(Line(self, line))
        except OSError as error:
            log.info("a session of uid %d was cut off: %s", self.uid, error)
        finally:
            self._connection.close()
            inbox.put(Left(self))


class Server:
    """Takes sessions at a Unix socket, a bounded number in all and of each user."""

    def __init__(self, path: Path, inbox: Inbox) -> None:
        """Listen at `path`; raise `SettingsError` if that can't be."""
        if not hasattr(socket, "AF_UNIX"):
            raise SettingsError("sessions can't connect on this system: Python has no Unix sockets here")
        self._path, self._inbox = path, inbox
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._uids: list[int] = []
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            self._socket.bind(str(path))
            path.chmod(0o666)  # every user's session may come; each is stamped with its uid
            self._socket.listen(16)
        except OSError as error:
            self._socket.close()
            raise SettingsError(f"{path}: can't listen there: {error.strerror or error}") from None
        threading.Thread(target=self._accept, name="local-server", daemon=True).start()

    def close(self) -> None:
        """Stop listening; sessions already there go on until the program ends."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="session", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            client = Client(connection)
        except OSError:
            connection.close()
            return
        with self._lock:
            full = len(self._uids) >= MAX_CLIENTS or self._uids.count(client.uid) >= MAX_CLIENTS_OF_ONE_USER
            if not full:
                self._uids.append(client.uid)
        if full:
            log.warning("refused a session of uid %d: too many are connected", client.uid)
            connection.close()
            return
        try:
            client.feed(self._inbox)
        finally:
            with self._lock:
                self._uids.remove(client.uid)
