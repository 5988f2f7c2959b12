"""Ending a program through psutil, as on systems without pidfds; run here on Linux."""

# mypy: disable-error-code="no-untyped-call"

import os

import psutil
import pytest
from vedette_enforcer.ended import Ended
from vedette_enforcer.terminate_portable import OwnProcesses, end
from vedette_schemas import OutcomeStatus, Process, Terminate

from .programs import NOBODY, Programs, lives, numbers

DEAF = "$SIG{TERM} = 'IGNORE'; "


def named(process: Process) -> Process:
    """Name it as such a system does: by microseconds since 1970."""
    started = round(psutil.Process(process.pid).create_time() * 1e6)
    return process.model_copy(update={"started": started})


def ended(process: Process, uid: int | None = None, *, others: bool = True) -> Ended:
    return end(Terminate(process=process, uid=uid, others=others), OwnProcesses(), term_seconds=0.2)


def test_a_tree_that_ignores_term_and_what_has_left_it_are_ended(programs: Programs) -> None:
    program = programs.perl(DEAF + "fork; if (!fork) { setsid; fork and exit } stay;")
    tree = program.processes(4)
    top = next(process for process in tree if process.pid == program.popen.pid)
    result = ended(named(top))
    assert result.status is OutcomeStatus.DONE
    assert numbers(result.processes) == numbers(tree)
    assert program.all_end()


def test_another_start_time_or_program_survives(programs: Programs) -> None:
    process = programs.stay(programs.copy())
    meant = named(process)
    assert ended(meant.model_copy(update={"started": meant.started + 1})).reason == "it had already ended"
    assert ended(meant.model_copy(update={"executable": "/other"})).status is OutcomeStatus.REFUSED
    assert lives(process)


@pytest.mark.root
def test_the_same_program_of_another_user_or_started_earlier_survives(programs: Programs) -> None:
    path = programs.copy()
    earlier = programs.stay(path)
    target = programs.stay(path)
    while named(target).started == named(earlier).started:
        target = programs.stay(path)
    theirs = programs.stay(path, user=NOBODY)
    assert ended(named(target), uid=0).status is OutcomeStatus.DONE
    assert lives(earlier)
    assert lives(theirs)


def test_without_others_the_tree_is_ended_and_nothing_else_of_the_program(programs: Programs) -> None:
    path = programs.copy()
    program = programs.perl("fork; stay;", path)
    tree = program.processes(2)
    unrelated = programs.stay(path)
    top = next(process for process in tree if process.pid == program.popen.pid)
    assert numbers(ended(named(top), others=False).processes) == numbers(tree)
    assert lives(unrelated)


def test_when_the_target_is_gone_what_else_runs_of_its_program_is_ended(programs: Programs) -> None:
    path = programs.copy()
    target = named(programs.stay(path))
    ended(target)
    other = programs.stay(path)
    assert ended(target).reason == "it had already ended"
    assert ended(target, os.getuid(), others=False).reason == "it had already ended"
    assert lives(other)
    assert numbers(ended(target, os.getuid()).processes) == {other.pid}


def test_what_is_gone_is_done() -> None:
    gone = Process(pid=2**31 - 1, started=1, executable="/gone")
    assert ended(gone).reason == "it had already ended"
