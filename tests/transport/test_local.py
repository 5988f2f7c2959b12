import contextlib
import os
import queue
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas import MAX_LINE, SettingsError, Taken
from vedette_transport import Event, Inbox, Joined, Left, Line, Server, read_lines

WAIT = 10.0


class Local:
    def __init__(self, path: Path) -> None:
        self.inbox, self.path = Inbox(), path
        self.server = Server(path, self.inbox)

    def dial(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(WAIT)
        connection.connect(str(self.path))
        return connection

    def next(self) -> Event:
        return self.inbox.get(timeout=WAIT)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    found = Local(tmp_path / "s.sock")
    yield found
    found.server.close()


def test_a_session_is_known_by_its_uid_and_its_lines_come_in_order(local: Local) -> None:
    with local.dial() as connection:
        connection.sendall(b"one\ntwo\nthr")
        connection.sendall(b"ee\n")
        joined = local.next()
        assert isinstance(joined, Joined)
        assert joined.client.uid == os.getuid()
        assert [event.line for _ in range(3) if isinstance(event := local.next(), Line)] == [
            b"one",
            b"two",
            b"three",
        ]
        joined.client.send(Taken(sequence=3))
        assert next(read_lines(connection)) == b'{"sequence":3}'
    assert isinstance(local.next(), Left)


@pytest.mark.root
def test_the_kernel_vouches_for_another_users_uid() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        local = Local(Path(folder) / "s.sock")
        dial = f"use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new('{local.path}') or die; <$s>"
        with subprocess.Popen(["perl", "-e", dial], user=65534) as program:
            joined = local.next()
            program.kill()
        local.server.close()
    assert isinstance(joined, Joined)
    assert joined.client.uid == 65534


def test_a_line_without_end_is_cut_off(local: Local) -> None:
    with local.dial() as connection:
        local.next()
        with contextlib.suppress(OSError):
            connection.sendall(b"x" * (MAX_LINE * 4))
        assert isinstance(local.next(), Left)


def test_a_flood_waits_at_its_own_end(local: Local) -> None:
    with local.dial() as flood, local.dial() as other:
        local.next()
        local.next()
        flood.settimeout(0.5)
        with pytest.raises(TimeoutError):
            flood.sendall((b"x" * 1000 + b"\n") * 10_000)
        flood.settimeout(WAIT)
        other.sendall(b"me too\n")
        lines: list[bytes] = []
        clients = []
        while b"me too" not in lines:
            event = local.next()
            assert isinstance(event, Line)
            lines.append(event.line)
            clients.append(event.client)
        assert len(lines) <= 17, "more than a session's share was let in"


def test_one_user_can_not_take_every_place(local: Local) -> None:
    connections = [local.dial() for _ in range(9)]
    try:
        assert connections[-1].recv(1) == b"", "the ninth session of one user was let in"
        assert len([1 for _ in range(8) if isinstance(local.next(), Joined)]) == 8
    finally:
        for connection in connections:
            connection.close()
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        with local.dial() as again:
            again.settimeout(0.05)
            try:
                assert again.recv(1) == b""
            except TimeoutError:
                return  # let in again
    raise AssertionError("places are not given back")


def test_a_session_that_does_not_read_is_cut_off(local: Local) -> None:
    with local.dial():
        joined = local.next()
        assert isinstance(joined, Joined)
        event: Event = joined
        for n in range(1, 200_000):
            joined.client.send(Taken(sequence=n))
            try:
                event = local.inbox.get(block=False)
                break
            except queue.Empty:
                pass
        assert isinstance(event, Left)


def test_a_path_that_can_not_be_listened_at_is_said_in_a_line(tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 200), Path("/proc/nowhere/s.sock")):
        with pytest.raises(SettingsError, match="can't listen there"):
            Server(path, Inbox())
