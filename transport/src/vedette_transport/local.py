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

from .complaints import Complaints
from .events import Inbox, Joined, Left, Line

log = logging.getLogger(__name__)

MAX_CLIENTS = 64
MAX_CLIENTS_OF_ONE_USER = 8
_UNREAD = 256 * 1024
"""Bytes (or as many as the system grants) that a session may leave unread before it is cut off."""
_REST = 0.2
"""Seconds to wait when a session could not be let in: for want of file descriptors, say."""
_ANSWERS_WITHIN = 1.0
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


_cut_off = Complaints()


class Client:
    """A session at the other end of our socket."""

    def __init__(self, connection: socket.socket) -> None:
        """Ask the kernel who it is; raise `OSError` if it does not say."""
        self.uid = peer_uid(connection)
        self._connection = connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD)
        self._waiting = threading.BoundedSemaphore(_WAITING)

    def send(self, message: Message) -> None:
        """Send a message without ever waiting; a session that left no room for it is cut off."""
        line = encode(message) + b"\n"
        try:
            if sys.platform == "win32":
                self._connection.sendall(line)
            elif self._connection.send(line, socket.MSG_DONTWAIT) < len(line):
                self.cut()
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
            if (count := _cut_off.one_more()) is not None:
                log.info("a session of uid %d was cut off: %s (%d so far)", self.uid, error, count)
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
        self._refused, self._failed = Complaints(), Complaints()
        self._closed = threading.Event()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if _is_answered(path):
                raise SettingsError(
                    f"{path}: another vedette listens there: stop it, or choose another folder"
                )
            path.unlink(missing_ok=True)
            self._socket.bind(str(path))
            self._file = _identity(path)
            path.chmod(0o666)  # every user's session may come; each is stamped with its uid
            self._socket.listen(16)
        except SettingsError:
            self._socket.close()
            raise
        except OSError as error:
            self._socket.close()
            raise SettingsError(f"{path}: can't listen there: {error.strerror or error}") from None
        threading.Thread(target=self._accept, name="local-server", daemon=True).start()

    def close(self) -> None:
        """Stop listening; sessions already there go on until the program ends."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            if (
                _identity(self._path) == self._file
            ):  # while our socket holds it, no other file is given its number
                self._path.unlink()
        self._socket.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError as error:
                self._rest(error)
                continue
            try:
                threading.Thread(target=self._serve, args=(connection,), name="session", daemon=True).start()
            except RuntimeError as error:  # no more threads
                connection.close()
                self._rest(error)

    def _rest(self, error: Exception) -> None:
        """Wait a little: what keeps sessions from being let in may pass."""
        if not self._closed.is_set() and (count := self._failed.one_more()) is not None:
            log.warning("could not let a session in: %s (%d so far)", error, count)
        self._closed.wait(_REST)

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
            if (count := self._refused.one_more()) is not None:
                log.warning(
                    "refused a session of uid %d: too many are connected (%d so far)", client.uid, count
                )
            connection.close()
            return
        try:
            client.feed(self._inbox)
        finally:
            with self._lock:
                self._uids.remove(client.uid)


def _is_answered(path: Path) -> bool:
    """Tell whether a program listens at `path`, from a file that one left behind."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWERS_WITHIN)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except (BlockingIOError, TimeoutError):
            return True  # too many are waiting to be answered
    return True


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
