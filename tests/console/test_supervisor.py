import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from vedette_console.supervisor import MAX_LOG, Due, Ended, Supervisor
from vedette_transport import Call, Inbox

WAIT = 10.0


class Harness:
    def __init__(self, folder: Path) -> None:
        self.folder, self.inbox = folder, Inbox()
        self.supervisor = Supervisor(folder, self.inbox)

    def start(self, name: str, code: str) -> None:
        self.supervisor.start(name, [sys.executable, "-c", code], self.folder / "log" / f"{name}.log")

    def next(self) -> object:
        event = self.inbox.get(timeout=WAIT)
        assert isinstance(event, Call)
        return event.result

    def pid(self, name: str) -> int:
        found = self.supervisor.pid(name)
        assert found is not None
        return found


@pytest.fixture
def harness(tmp_path: Path) -> Generator[Harness]:
    found = Harness(tmp_path)
    yield found
    found.supervisor.stop()


def test_a_program_that_dies_is_started_again_with_growing_delays(harness: Harness) -> None:
    harness.start("one", "import time; time.sleep(60)")
    delays: list[float] = []
    for _ in range(3):
        os.kill(harness.pid("one"), signal.SIGKILL)
        ended = harness.next()
        assert isinstance(ended, Ended)
        assert (ended.name, ended.code, ended.can_go_on) == ("one", -9, True)
        delays.append(harness.supervisor.restart_later("one"))
        assert harness.next() == Due("one")
        harness.supervisor.restart("one")
    assert delays[0] <= 0.2 < delays[2] <= 0.8


def test_a_program_that_can_not_go_on_says_why(harness: Harness) -> None:
    harness.start("one", "import sys; print('one: the reason\\n', file=sys.stderr); sys.exit(2)")
    ended = harness.next()
    assert isinstance(ended, Ended)
    assert not ended.can_go_on
    assert ended.last_words == "one: the reason"


def test_stopping_ends_all_those_named_last_and_says_nothing(harness: Harness, tmp_path: Path) -> None:
    said = tmp_path / "said"
    code = (
        "import signal, sys, pathlib\n"
        f"def end(*_): print(sys.argv[0], file=open({str(said)!r}, 'a')); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); pathlib.Path(%r).touch(); signal.pause()"
    )
    for name in ("broker", "sensor"):
        harness.start(name, (code % str(tmp_path / name)).replace("sys.argv[0]", repr(name)))
    while not ((tmp_path / "broker").exists() and (tmp_path / "sensor").exists()):
        time.sleep(0.01)
    harness.supervisor.stop("broker")
    assert said.read_text().split() == ["sensor", "broker"]
    assert harness.inbox.empty()


def test_one_that_ignores_sigterm_is_gone_within_three_seconds(harness: Harness, tmp_path: Path) -> None:
    flag = tmp_path / "deaf"
    ignore = "import signal, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    harness.start("broker", "import signal; signal.pause()")
    harness.start("deaf", f"{ignore}; pathlib.Path({str(flag)!r}).touch(); signal.pause()")
    while not flag.exists():
        time.sleep(0.01)
    pid = harness.pid("deaf")
    began = time.monotonic()
    harness.supervisor.stop()
    assert time.monotonic() - began < 3.0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_it_started_does_not_outlive_it_even_when_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from vedette_transport import Inbox\n"
        "from vedette_console.supervisor import Supervisor\n"
        f"folder = pathlib.Path({str(tmp_path)!r}); s = Supervisor(folder, Inbox())\n"
        "one = 'import time, pathlib; pathlib.Path(\"up\").touch(); time.sleep(60)'\n"
        "s.start('one', [sys.executable, '-c', one], folder / 'log' / 'one.log')\n"
        "while not (folder / 'up').exists(): time.sleep(0.01)\n"
        "print(s.pid('one'), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        child = int(program.stdout.readline())
        fd = os.pidfd_open(child)
        program.kill()
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(WAIT * 1000), "the child lives on"
    os.close(fd)


def test_a_log_folder_that_is_gone_is_made_anew(harness: Harness) -> None:
    harness.start("one", "import time; time.sleep(60)")
    shutil.rmtree(harness.folder / "log")
    os.kill(harness.pid("one"), signal.SIGKILL)
    assert isinstance(harness.next(), Ended)
    harness.supervisor.restart("one")
    assert harness.pid("one")
    assert (harness.folder / "log" / "one.log").is_file()


@pytest.mark.parametrize("trap", ["pipe", "link", "folder"])
def test_a_log_that_is_no_file_is_said_and_tried_again(harness: Harness, trap: str) -> None:
    (harness.folder / "log").mkdir()
    log = harness.folder / "log" / "one.log"
    match trap:
        case "pipe":
            os.mkfifo(log)
        case "link":
            log.symlink_to("/dev/zero")
        case _:
            log.mkdir()
    harness.start("one", "import time; time.sleep(60)")
    ended = harness.next()
    assert isinstance(ended, Ended)
    assert (ended.can_go_on, ended.failed_to_start) == (True, True)
    assert str(log) in ended.last_words


def test_a_log_that_grows_too_long_is_set_aside(harness: Harness) -> None:
    log = harness.folder / "log" / "one.log"
    harness.start("one", f"print('x' * {MAX_LOG + 1}, flush=True); import time; time.sleep(60)")
    while not log.exists() or log.stat().st_size <= MAX_LOG:
        time.sleep(0.01)
    harness.supervisor.trim_logs()
    assert log.stat().st_size == 0
    assert log.with_name("one.log.1").stat().st_size > MAX_LOG
