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

PARENT_AND_CHILD = """
pipe my $child_hears, my $parent_asks; pipe my $parent_hears, my $child_says;
if (!fork) {
    close $parent_asks;
    while (sysread $child_hears, my $asked, 1) { syswrite $child_says, '.' }
    exit;
}
close $child_says; $SIG{PIPE} = 'IGNORE';
do { syswrite $parent_asks, '.'; syswrite STDOUT, sysread($parent_hears, my $said, 1) ? '.' : 'x' }
while (sysread STDIN, my $asked, 1);
"""


class Pair:
    """A program and its child. It says `.` at first and whenever asked, once the child has answered too."""

    def __init__(self, program: str) -> None:
        self.popen = subprocess.Popen(
            [program, "-e", PARENT_AND_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._says()
        running = procfs.look(self.popen.pid)
        assert running is not None
        self.process: Process = running.process

    def survives(self) -> bool:
        """Ask both: a signal that is on its way comes before the answer."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(b".")
        return self._says()

    def end(self) -> None:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.kill()
        self.popen.stdin.close()
        assert self.popen.stdout.read() == b""  # the child too has ended
        self.popen.wait()

    def _says(self) -> bool:
        assert self.popen.stdout is not None
        return self.popen.stdout.read(1) == b"."


def replace(meant: Pair, program: str) -> Pair:
    """End it, and start `program` under the same number, later by the kernel's clock."""
    before = meant.process
    while True:
        meant.end()
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(before.pid - 1))
        heir = Pair(program)
        assert heir.process.pid == before.pid, "the number was not reused"
        if heir.process.started != before.started:
            sys.stdout.write("reused ")
            return heir
        meant = heir


def main(program: str, how: str) -> None:
    pair = Pair(program)
    meant = pair.process
    heir = program
    if how == "unseen":  # else it would be ended by rights, as the same program started later
        heir = shutil.copy(program, program + "-other")
    look = procfs.look

    def pass_on_and_look(pid: int) -> Running | None:
        nonlocal pair
        procfs.look = look
        pair = replace(pair, heir)
        running = look(pid)
        return running._replace(process=meant) if how == "unseen" and running else running

    if how == "before":
        pair = replace(pair, heir)
    else:
        procfs.look = pass_on_and_look
    end(Terminate(process=meant), OwnProcesses(), 0.1)
    sys.stdout.write("survived" if pair.survives() else "killed")
    pair.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
