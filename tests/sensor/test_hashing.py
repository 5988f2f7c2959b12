"""Programs are hashed only where the session's word on them holds."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vedette_schemas import Process
from vedette_sensor.hashing import Hashed, Hasher
from vedette_transport import Call, Inbox, identify

pytestmark = pytest.mark.system

UID = os.getuid()
NOBODY = 65_534
LIMIT = 1024 * 1024


@contextmanager
def running(program: Path, user: int | None = None, padding: int = 0) -> Generator[Process]:
    """Run a copy of sleep, a larger one if need be."""
    shutil.copy("/bin/sleep", program)
    with program.open("ab") as file:
        file.write(b"x" * padding)
    with subprocess.Popen([program, "60"], user=user) as process:
        try:
            identified = identify(process.pid)
            assert identified is not None
            yield identified
        finally:
            process.kill()


def hashed(folder: Path, process: Process, uid: int = UID) -> Hashed | None:
    """Return what becomes of asking; another question after it tells when that is over."""
    inbox = Inbox()
    hasher = Hasher(inbox, LIMIT)
    with running(folder / "last") as last:
        hasher.ask(process, uid)
        hasher.ask(last, UID)
        event = inbox.get(timeout=10)
    assert isinstance(event, Call)
    assert isinstance(event.result, Hashed)
    return None if event.result.process == last else event.result


def test_the_program_that_runs_is_hashed_even_if_its_file_is_gone(tmp_path: Path) -> None:
    with running(tmp_path / "program") as process:
        (tmp_path / "program").unlink()
        (tmp_path / "program").write_text("something else under its name")
        found = hashed(tmp_path, process)
    sha256 = hashlib.sha256(Path("/bin/sleep").read_bytes()).hexdigest()
    assert found == Hashed(process, UID, sha256)


def test_a_process_that_is_another_by_now_is_not_hashed(tmp_path: Path) -> None:
    with running(tmp_path / "program") as process:
        for changes in ({"started": process.started + 1}, {"executable": "/opt/game"}, {"pid": 2**31 - 1}):
            assert hashed(tmp_path, process.model_copy(update=changes)) is None


@pytest.mark.root
def test_a_process_of_another_user_is_not_hashed(tmp_path: Path) -> None:
    with running(Path("/tmp/vedette-test-program"), user=NOBODY) as process:
        Path("/tmp/vedette-test-program").unlink()
        assert hashed(tmp_path, process) is None
        assert hashed(tmp_path, process, uid=NOBODY) is not None


def test_a_program_beyond_the_limit_is_not_hashed(tmp_path: Path) -> None:
    with running(tmp_path / "program", padding=LIMIT) as process:
        assert hashed(tmp_path, process) is None


def test_what_was_found_out_is_known_for_that_run_of_that_user_alone(tmp_path: Path) -> None:
    hasher = Hasher(Inbox(), LIMIT)
    process = Process(pid=1, started=2, executable="/bin/a")
    hasher.learned(Hashed(process, 1000, "ab" * 32))
    assert hasher.known(process, 1000) == "ab" * 32
    assert hasher.known(process, 666) is None
    assert hasher.known(process.model_copy(update={"executable": "/bin/b"}), 1000) is None
