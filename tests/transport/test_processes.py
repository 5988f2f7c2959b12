import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vedette_transport import identify, start_time


@contextmanager
def running(program: Path | str, *arguments: str) -> Generator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([str(program), *arguments]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_is_named_the_same_each_time() -> None:
    one = identify(os.getpid())
    assert one is not None
    assert one == identify(os.getpid())
    assert one.pid == os.getpid()


def test_a_process_that_is_gone_or_a_zombie_has_no_name() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert identify(process.pid) is None
    assert start_time(process.pid) is None
    process.wait()
    assert identify(process.pid) is None


def test_a_program_that_deleted_its_own_file_keeps_its_name(tmp_path: Path) -> None:
    program = tmp_path / "gone"
    shutil.copy("/bin/sleep", program)
    with running(program, "60") as process:
        while (before := identify(process.pid)) is None or before.executable != str(program):
            pass  # until it has become the program
        program.unlink()
        assert identify(process.pid) == before


def test_a_name_with_brackets_and_blanks_is_no_riddle(tmp_path: Path) -> None:
    program = tmp_path / "a) S 1 (b"
    shutil.copy("/bin/sleep", program)
    with running(program, "60") as process:
        while (found := identify(process.pid)) is None or found.executable != str(program):
            pass
        assert found.started == start_time(process.pid)


def test_a_path_that_is_not_text_can_still_be_told(tmp_path: Path) -> None:
    program = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe")
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            while (found := identify(process.pid)) is None or not found.executable.startswith(str(tmp_path)):
                pass
            assert found.executable.endswith("\ufffd\ufffd")
        finally:
            process.kill()
