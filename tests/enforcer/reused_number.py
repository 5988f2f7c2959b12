"""Inside a PID namespace of its own: gives the number of a process to another, and tells who survives.

Run as `python -m tests.enforcer.reused_number PROGRAM HOW` where HOW says when the number passes on:
before the order, between the descriptor and the look, or there and the look does not show it.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from vedette_enforcer import procfs
from vedette_enforcer.own_linux import OwnProcesses
from vedette_enforcer.running import Running
from vedette_enforcer.terminate_linux import end
from vedette_schemas import Process, Terminate

Child = subprocess.Popen[bytes]
SCRIPT = "syswrite STDOUT, qq(.); sleep 100 while 1"


def start(program: str) -> Child:
    child = subprocess.Popen([program, "-e", SCRIPT], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.read(1)
    return child


def named(child: Child) -> Process:
    running = procfs.look(child.pid)
    assert running is not None
    return running.process


def replace(meant: Child, program: str) -> Child:
    """End it, and start `program` under the same number, later by the kernel's clock."""
    before = named(meant)
    while True:
        meant.kill()
        meant.wait()
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(before.pid - 1))
        heir = start(program)
        assert heir.pid == before.pid, "the number was not reused"
        if named(heir).started != before.started:
            sys.stdout.write("reused ")
            return heir
        meant = heir


def main(program: str, how: str) -> None:
    child = start(program)
    meant = named(child)
    heir = program
    if how == "unseen":  # else it would be ended by rights, as the same program started later
        heir = shutil.copy(program, program + "-other")
    look = procfs.look

    def pass_on_and_look(pid: int) -> Running | None:
        nonlocal child
        procfs.look = look
        child = replace(child, heir)
        running = look(pid)
        return running._replace(process=meant) if how == "unseen" and running else running

    if how == "before":
        child = replace(child, heir)
    else:
        procfs.look = pass_on_and_look
    end(Terminate(process=meant), OwnProcesses(), 0.1)
    sys.stdout.write("survived" if child.poll() is None and look(child.pid) else "killed")
    child.kill()
    child.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
