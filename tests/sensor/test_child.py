"""A library may do what it likes in its own process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vedette_sensor.child import Child, Found
from vedette_sensor.watching import SourceError

pytestmark = pytest.mark.system


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A child in which `pyperclip` is what the test writes."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    child = Child("clipboard", 0.3)
    yield child
    child.close()


def library(folder: Path, paste: str) -> None:
    (folder / "pyperclip.py").write_text(f"import os, sys, time\nprint('noise')\ndef paste(): {paste}\n")


def test_what_the_library_says_is_passed_on_once(child: Child, tmp_path: Path) -> None:
    library(tmp_path, r"print('more noise'); return 'a\nb\udfff' + 'x' * 1_000_000")
    assert child.ask() == Found(text="a\nb?" + "x" * (256 * 1024 - 4), length=1_000_004)
    assert child.ask() == Found()


@pytest.mark.parametrize(
    ("paste", "why"),
    [
        ("time.sleep(60)", "no answer within 0 s"),
        ("sys.exit(1)", "SystemExit: 1"),
        ("os._exit(1)", "what asks for it ended by itself"),
        ("raise OSError('no\\nclipboard' + 'x' * 1_000)", "OSError: no clipboardxxx"),
        ("os.kill(os.getpid(), 11)", "what asks for it ended by itself"),
        ("return 1/0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_library_that_fails_or_hangs_is_said_and_asked_anew_the_next_time(
    child: Child, tmp_path: Path, paste: str, why: str
) -> None:
    library(tmp_path, paste)
    with pytest.raises(SourceError) as failed:
        child.ask()
    assert str(failed.value).startswith(why)
    assert len(str(failed.value)) <= 250
    library(tmp_path, "return 'better'")
    assert child.ask().text == "better"


def test_a_library_that_can_not_be_loaded_is_said(child: Child, tmp_path: Path) -> None:
    (tmp_path / "pyperclip.py").write_text("raise SystemExit(1)")
    with pytest.raises(SourceError, match="SystemExit"):
        child.ask()


def test_a_child_that_was_ended_for_good_is_not_begun_again(child: Child, tmp_path: Path) -> None:
    library(tmp_path, "return ''")
    child.ask()
    child.close()
    began = time.monotonic()
    with pytest.raises(SourceError):
        child.ask()
    assert time.monotonic() - began < 1


def test_when_the_session_is_killed_nothing_it_started_is_left(child: Child, tmp_path: Path) -> None:
    del child  # for what it sets up
    started = tmp_path / "started"
    library(
        tmp_path,
        f"import subprocess, pathlib; p = subprocess.Popen(['sleep', '60']); "
        f"pathlib.Path({str(started)!r}).write_text(f'{{os.getpid()}} {{p.pid}} '); p.wait()",
    )
    asks = "from vedette_sensor.child import Child; Child('clipboard', 60).ask()"
    with subprocess.Popen([sys.executable, "-c", asks]) as session:
        await_that(lambda: started.exists() and started.read_text().endswith(" "))
        session.kill()
    pids = [int(pid) for pid in started.read_text().split()]
    try:
        await_that(lambda: not any(is_running(pid) for pid in pids))
    finally:
        for pid in filter(is_running, pids):
            os.kill(pid, signal.SIGKILL)


def await_that(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
