import contextlib
import errno
import logging
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


def test_what_does_not_read_never_makes_the_program_wait(local: Local) -> None:
    with local.dial():
        joined = local.next()
        assert isinstance(joined, Joined)
        longest = 0.0
        for n in range(1, 60_000):
            began = time.monotonic()
            joined.client.send(Taken(sequence=n))
            longest = max(longest, time.monotonic() - began)
        assert longest < 0.5
        assert isinstance(local.next(), Left)


def test_what_one_user_does_again_and_again_is_said_ever_less_often(
    local: Local, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "vedette_transport.local")
    for _ in range(40):
        with local.dial() as connection:
            assert isinstance(local.next(), Joined)
            with contextlib.suppress(OSError):
                connection.sendall(b"x" * (MAX_LINE * 4))
            assert isinstance(local.next(), Left)
    with contextlib.ExitStack() as all_places:
        for _ in range(8):
            all_places.enter_context(local.dial())
            assert isinstance(local.next(), Joined)
        for _ in range(40):
            with local.dial() as connection:
                assert connection.recv(1) == b""
    said = [record.getMessage() for record in caplog.records]
    assert 1 <= sum("was cut off" in line for line in said) <= 6
    assert sum("refused a session" in line for line in said) == 6


def test_an_accept_that_fails_does_not_end_accepting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept, failures = socket.socket.accept, [OSError(errno.EMFILE, "Too many open files")]

    def failing(listening: socket.socket) -> tuple[socket.socket, object]:
        if failures:
            raise failures.pop()
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", failing)
    local = Local(tmp_path / "s.sock")
    with local.dial():
        assert isinstance(local.next(), Joined)
    local.server.close()


def test_a_socket_that_another_program_listens_at_is_left_to_it(local: Local) -> None:
    with pytest.raises(SettingsError, match=r"s\.sock: another vedette listens there: stop it"):
        Server(local.path, Inbox())
    assert isinstance(local.next(), Joined)
    assert isinstance(local.next(), Left)
    with local.dial():
        assert isinstance(local.next(), Joined)


def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    local = Local(path)
    with local.dial():
        assert isinstance(local.next(), Joined)
    local.server.close()
    assert not path.exists()


def test_a_socket_that_is_no_longer_ours_stays(local: Local) -> None:
    local.path.unlink()
    other = Local(local.path)
    local.server.close()
    with other.dial():
        assert isinstance(other.next(), Joined)
    other.server.close()
    assert not local.path.exists()
