"""Programs that must end, however they try not to."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from vedette_enforcer.core import Task
from vedette_enforcer.ended import Ended, summary
from vedette_enforcer.own_linux import OwnProcesses
from vedette_enforcer.running import Running
from vedette_enforcer.terminate_linux import end
from vedette_schemas import MAX_PATH, MAX_TOKEN, OutcomeStatus, Process, Terminate, encode

from .orders import NOBODY_RUNS, command
from .programs import NOBODY, Programs, lives, numbers

SOON = 0.2
DEAF = "$SIG{TERM} = 'IGNORE'; "


def ended(
    process: Process, uid: int | None = None, term_seconds: float = SOON, *, others: bool = True
) -> Ended:
    return end(Terminate(process=process, uid=uid, others=others), OwnProcesses(), term_seconds)


def test_a_program_is_ended_and_named(programs: Programs) -> None:
    process = programs.stay(programs.copy())
    result = ended(process)
    assert result == Ended(OutcomeStatus.DONE, "ended 1 process", (process,))
    assert not lives(process)


def test_a_program_that_obeys_has_the_time_to_clear_up(programs: Programs) -> None:
    program = programs.perl("$SIG{TERM} = sub { select undef, undef, undef, 0.1; exit 7 }; stay;")
    assert ended(program.process(), term_seconds=10).status is OutcomeStatus.DONE
    assert program.popen.wait() == 7


def test_a_tree_that_ignores_term_is_ended(programs: Programs) -> None:
    program = programs.perl(DEAF + "fork; fork; fork; stay;")
    tree = program.processes(8)
    top = next(process for process in tree if process.pid == program.popen.pid)
    result = ended(top)
    assert result.status is OutcomeStatus.DONE
    assert numbers(result.processes) == numbers(tree)
    assert program.all_end()


def test_the_tree_of_a_program_is_ended_though_other_programs_run_in_it(programs: Programs) -> None:
    other = programs.copy("other")
    program = programs.perl(
        f"fork or exec '{other}', '-e', '$SIG{{TERM}} = q(IGNORE); fork; sleep 100'; say; sleep 100"
    )
    assert ended(program.process()).status is OutcomeStatus.DONE
    assert program.all_end()


def test_what_forked_twice_and_left_the_tree_is_ended(programs: Programs) -> None:
    program = programs.perl("if (!fork) { setsid; fork and exit; $SIG{TERM} = 'IGNORE'; stay } wait; stay;")
    first, second = program.runnings(2)
    top, escaped = (second, first) if second.process.pid == program.popen.pid else (first, second)
    assert escaped.parent != top.process.pid
    result = ended(top.process)
    assert numbers(result.processes) == numbers([top.process, escaped.process])
    assert program.all_end()


def test_a_stopped_program_is_ended_and_may_obey(programs: Programs) -> None:
    program = programs.perl("say; kill 'STOP', $$; sleep 100;")
    process = program.process()
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    assert ended(process, term_seconds=10).status is OutcomeStatus.DONE
    assert program.popen.wait() == -signal.SIGTERM


def test_a_program_that_deletes_its_own_file_is_ended_with_what_left_its_tree(programs: Programs) -> None:
    program = programs.perl("unlink $^X; fork and fork and exit; stay;")
    processes = program.processes(2)
    assert not Path(processes[0].executable).exists()
    assert ended(min(processes, key=lambda process: process.started)).status is OutcomeStatus.DONE
    assert program.all_end()


def test_a_program_that_starts_another_of_itself_when_asked_to_end_is_ended(programs: Programs) -> None:
    program = programs.perl(
        "$SIG{TERM} = sub { if (!fork) { setsid; fork and exit; $SIG{TERM} = 'IGNORE'; stay } exit }; stay;"
    )
    assert ended(program.process()).status is OutcomeStatus.DONE
    assert program.all_end()


def test_a_program_whose_first_thread_has_ended_is_no_zombie_and_is_ended(programs: Programs) -> None:
    script = (
        "import ctypes, os, threading, time\n"
        "def stay():\n"
        "    while open('/proc/self/stat').read().rpartition(')')[2].split()[0] != 'Z': time.sleep(0.001)\n"
        "    os.write(1, b'%d\\n' % os.getpid()); time.sleep(100)\n"
        "threading.Thread(target=stay).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    interpreter = programs.copy("evil", of=Path(os.path.realpath(sys.executable)))
    program = programs.python(script, interpreter)
    process = program.process()
    assert process.executable == str(interpreter)
    assert ended(process) == Ended(OutcomeStatus.DONE, "ended 1 process", (process,))
    assert program.all_end()


def test_no_child_gets_away_between_the_count_and_the_signal(programs: Programs) -> None:
    other = programs.copy("other")  # which is found by its parent alone
    many = (
        f"say; for (1..2e3) {{ fork or exec '{other}', '-e', 'sleep 99'; select undef, undef, undef, 5e-4 }}"
    )
    for _ in range(5):
        program = programs.perl(many)
        assert ended(program.process()).status is OutcomeStatus.DONE
        assert program.all_end()


STORM = """
pipe my $tokens, my $bank; syswrite $bank, 'x' x 1000; close $bank;
$SIG{TERM} = $SIG{CHLD} = 'IGNORE';
say;
while (sysread $tokens, my $token, 1) {
    if (!fork) { setsid; fork and _exit 0 }
    select undef, undef, undef, 0.02;
}
sleep 100 while 1;
"""
"""Doubles every 20 ms, half of it outside the tree, until 1,000 forks are spent; then it stays."""


def test_a_program_that_goes_on_forking_is_ended_without_grace(programs: Programs) -> None:
    program = programs.perl(STORM)
    top = next(process for process in program.processes(1) if process.pid == program.popen.pid)
    start = time.monotonic()
    result = ended(top, term_seconds=30)
    assert result.status is OutcomeStatus.DONE
    assert time.monotonic() - start < 15
    assert program.all_end()


def test_what_has_ended_already_is_done(programs: Programs) -> None:
    program = programs.perl("say; <STDIN>; exit;")
    process = Process(pid=program.popen.pid, started=1, executable="/gone")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ended(process).reason == "it had already ended"  # a zombie
    program.popen.wait()
    assert ended(process).reason == "it had already ended"  # nothing


def test_without_others_the_tree_is_ended_and_nothing_else_of_the_program(programs: Programs) -> None:
    path = programs.copy()
    program = programs.perl("fork; stay;", path)
    tree = program.processes(2)
    unrelated = programs.stay(path)
    top = next(process for process in tree if process.pid == program.popen.pid)
    assert numbers(ended(top, others=False).processes) == numbers(tree)
    assert lives(unrelated)
    assert ended(top, os.getuid(), others=False).reason == "it had already ended"
    assert lives(unrelated)


RENAME = """
my ($folder) = $^X =~ m{(.*)/}; my $end = time + 60; my $at = $^X; my $n = 0; say;
while (time < $end) { rename $at, my $to = "$folder/" . $n++; $at = $to; DECOY }
"""
DECOY = "system '/bin/cp', '/bin/true', $^X if $n == 1;"


@pytest.mark.parametrize("decoy", ["", DECOY])
def test_a_program_that_goes_on_renaming_its_file_is_ended_with_what_left_its_tree(
    decoy: str, programs: Programs
) -> None:
    program = programs.perl(
        "if (!fork) { setsid; fork and exit; stay } wait; " + RENAME.replace("DECOY", decoy)
    )
    top = next(process for process in program.processes(2) if process.pid == program.popen.pid)
    time.sleep(0.1)
    meant = top.model_copy(update={"executable": str(programs.folder / "evil")})
    assert ended(meant).status is OutcomeStatus.DONE
    assert program.all_end()


def test_a_program_that_renames_the_folder_that_it_is_in_is_ended(programs: Programs) -> None:
    folder = programs.folder / "a"
    folder.mkdir()
    program = programs.perl(
        "say; my ($at) = $^X =~ m{(.*)/}; rename $at, my $to = $at . 'b'; say; sleep 100;",
        programs.copy(folder=folder),
    )
    process, renamed = program.processes(2)
    meant = process.model_copy(update={"executable": str(folder / "evil")})
    assert renamed.executable != meant.executable
    assert ended(meant).status is OutcomeStatus.DONE
    assert program.all_end()


HOP = "say; my $end = time + 20; while (time < $end) { fork and _exit 0; select undef, undef, undef, 1e-3 }"


def test_a_program_that_goes_from_process_to_process_is_ended(programs: Programs) -> None:
    program = programs.perl(HOP)
    # It may be over before it can be looked at, so what runs it is named as it was started.
    stat = Path("/proc/uptime").read_text("utf-8").split()[0]
    started = int((float(stat) - 5) * os.sysconf("SC_CLK_TCK"))
    program.popen.wait()
    meant = Process(pid=program.popen.pid, started=started, executable=str(programs.folder / "evil"))
    assert ended(meant, uid=None).reason == "it had already ended"
    start = time.monotonic()
    result = ended(meant, uid=os.getuid())
    assert result.status is OutcomeStatus.DONE
    assert result.reason.startswith("it had already ended; of others of its program: ended ")
    assert result.processes
    assert program.all_end()
    assert time.monotonic() - start < 10, "it has not just come to its own end"


def test_when_the_target_is_gone_what_started_earlier_or_runs_another_file_survives(
    programs: Programs,
) -> None:
    earlier, other = programs.stay(programs.copy()), programs.stay(programs.copy("other"))
    time.sleep(0.02)
    gone = programs.stay(programs.copy("gone"))
    meant = gone.model_copy(update={"executable": earlier.executable})
    ended(gone)
    assert ended(meant, uid=os.getuid()).reason == "it had already ended"
    assert lives(earlier)
    assert lives(other)


@pytest.mark.root
def test_when_the_target_is_gone_the_same_program_of_another_user_survives(programs: Programs) -> None:
    path = programs.copy()
    target = programs.stay(path)
    ended(target)
    ours, theirs = programs.stay(path), programs.stay(path, user=NOBODY)
    assert ended(target, uid=0).processes == (ours,)
    assert lives(theirs)


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_nothing_is_left_open(programs: Programs) -> None:
    before = descriptors()
    process = programs.stay(programs.copy())
    ended(process.model_copy(update={"started": process.started + 1}))
    ended(process.model_copy(update={"executable": "/other"}))
    ended(process)
    ended(process)
    assert len(descriptors() - before) == 1, "but for what the program talks through"


def test_the_reason_stays_bounded_however_many_are_ended(programs: Programs) -> None:
    program = programs.perl("fork for 1..7; stay;")
    tree = program.processes(128)
    result = ended(next(process for process in tree if process.pid == program.popen.pid))
    assert result.reason == "ended 128 processes (64 more than are listed)"
    assert len(result.processes) == 64
    assert program.all_end()


def test_an_outcome_fits_into_a_report_however_long_the_paths_are() -> None:
    def running(pid: int, letter: str) -> Running:
        process = Process(pid=pid, started=1, executable="/" + letter * (MAX_PATH - 1))
        return Running(process, parent=1, uid=0)

    for letter in "x", "\x01", "\N{GRINNING FACE}":
        result = summary([running(pid, letter) for pid in range(1, 65)], left=[], spared={})
        order = command(order=Terminate(process=NOBODY_RUNS))
        outcome = Task(order, "t" * MAX_TOKEN, order.issued_at).outcome(
            result.status, result.reason, order.issued_at, result.processes
        )
        assert result.processes
        assert len(encode(outcome)) < 100 * 1024
        assert result.reason == f"ended 64 processes ({64 - len(result.processes)} more than are listed)"
