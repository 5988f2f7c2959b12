"""A line to a root program is held for as long as the session runs."""

import socket
from pathlib import Path

import pytest
from vedette_sensor.connecting import stay_connected


class _EnoughError(BaseException):
    """Ends what goes on for ever."""


def test_a_fault_in_what_is_said_is_logged_in_a_line_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_time(seconds: float) -> None:
        del seconds

    monkeypatch.setattr("vedette_sensor.connecting.time.sleep", no_time)
    talks = 0

    def talk(connection: socket.socket) -> None:
        nonlocal talks
        del connection
        talks += 1
        if talks == 3:
            raise _EnoughError
        raise ValueError("a fault\nin two lines")

    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(16)
        with pytest.raises(_EnoughError):
            stay_connected("sensor", path, talk)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == f"no sensor at {path} (ValueError: a fault in two lines); trying again"
