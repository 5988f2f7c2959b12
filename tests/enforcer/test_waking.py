import os
import select
import shutil
import subprocess
from pathlib import Path

import pytest
from vedette_enforcer.own_linux import OwnProcesses
from vedette_enforcer.terminate_linux import end
from vedette_schemas import OutcomeStatus, Process, Terminate
from vedette_transport import identify


@pytest.mark.root
def test_who_runs_a_program_for_another_user_is_not_left_stopped_when_it_is_ended() -> None:
    """In a folder that the other user can read, as runuser starts it."""
    folder = Path("/tmp") / f"vedette-waking-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        program = str(shutil.copy("/bin/sleep", folder / "listed"))
        command = ["runuser", "-u", "nobody", "--", program, "100"]
        with subprocess.Popen(command, start_new_session=True) as runuser:
            child = child_of(runuser.pid, program)
            result = end(Terminate(process=child), OwnProcesses(), 2.0)
            assert result.status is OutcomeStatus.DONE
            assert ends(runuser.pid), "runuser was left stopped"
    finally:
        shutil.rmtree(folder)


def child_of(pid: int, program: str) -> Process:
    """Wait until the child has become the program."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while True:
        for number in children.read_text().split():
            found = identify(int(number))
            if found is not None and found.executable == program:
                return found


def ends(pid: int) -> bool:
    descriptor = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    gone = bool(poll.poll(10_000))
    os.close(descriptor)
    return gone
