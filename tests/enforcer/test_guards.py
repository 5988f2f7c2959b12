"""Programs that must survive, whatever a command says; and programs that may not pass for them."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from vedette_enforcer import procfs
from vedette_enforcer.ended import Ended
from vedette_enforcer.guards import Own, why_not
from vedette_enforcer.never_touch import REASONS
from vedette_enforcer.own_linux import OwnProcesses, is_of_our_unit
from vedette_enforcer.procfs import Login
from vedette_enforcer.running import Running
from vedette_enforcer.terminate import ability, sparing
from vedette_enforcer.terminate_linux import end
from vedette_schemas import OutcomeStatus, Process, Terminate
from vedette_transport import identify

from .programs import NOBODY, SAY, Programs, lives, numbers

SOON = 0.2
UNSHARE = "/usr/bin/unshare"


def ended(process: Process, uid: int | None = None, own: Own | None = None) -> Ended:
    return end(Terminate(process=process, uid=uid), own or OwnProcesses(), SOON)


def refusal(why: str) -> Ended:
    return Ended(OutcomeStatus.REFUSED, f"not ended: {why}")


# Another process than the one that was meant


def test_another_start_time_is_another_process(programs: Programs) -> None:
    process = programs.stay(programs.copy())
    for started in process.started - 1, process.started + 1:
        assert ended(process.model_copy(update={"started": started})).reason == "it had already ended"
    assert lives(process)


def test_a_process_that_runs_another_program_by_now_survives(programs: Programs) -> None:
    other = programs.copy("other")
    program = programs.perl(f"say; exec '{other}', '-e', '{SAY}stay'")
    before, after = program.processes(2)
    assert before.pid == after.pid
    meant = after.model_copy(update={"executable": str(programs.folder / "evil")})
    assert ended(meant).status is OutcomeStatus.REFUSED
    assert lives(after)


def test_what_was_started_earlier_survives(programs: Programs) -> None:
    path = programs.copy()
    earlier = programs.stay(path)
    later = programs.stay(path)
    while later.started == earlier.started:  # the kernel counts hundredths of a second
        later = programs.stay(path)
    assert ended(later).status is OutcomeStatus.DONE
    assert lives(earlier)
    assert not lives(later)


@pytest.mark.root
@pytest.mark.parametrize("how", ["before", "between", "unseen"])
def test_who_has_got_the_number_of_the_one_that_was_meant_survives(how: str, programs: Programs) -> None:
    path = programs.copy()
    inside = [sys.executable, "-m", "tests.enforcer.reused_number", str(path), how]
    said = subprocess.run(
        [UNSHARE, "--pid", "--fork", "--mount-proc", *inside],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.stdout.split() == ["reused", "survived"], said.stderr


# What the host's own operator names


def test_what_never_touch_names_survives_and_what_is_beside_it_does_not(
    programs: Programs, tmp_path: Path
) -> None:
    spared, other = programs.copy("spared"), programs.copy("other")
    path = tmp_path / "never_touch.toml"
    path.write_text(f'programs = ["{spared}"]\n')
    kept, gone = programs.stay(spared), programs.stay(other)
    end_unless = sparing(path)
    assert end_unless(Terminate(process=kept), SOON) == refusal("never_touch.toml names it")
    assert end_unless(Terminate(process=gone), SOON).status is OutcomeStatus.DONE
    path.write_text('programs = ["spared"]\n')
    assert "what may be is not known" in end_unless(Terminate(process=kept), SOON).reason
    assert lives(kept)


# Another user


@pytest.mark.root
@pytest.mark.parametrize("uid", [0, None])
def test_the_same_program_of_another_user_survives(uid: int | None, programs: Programs) -> None:
    path = programs.copy()
    ours, theirs = programs.stay(path), programs.stay(path, user=NOBODY)
    assert ended(ours, uid).processes == (ours,)
    assert lives(theirs)


@pytest.mark.root
def test_what_a_session_says_ends_no_program_of_another_user(programs: Programs) -> None:
    process = programs.stay(programs.copy())
    assert ended(process, uid=NOBODY) == refusal("it belongs to another user")
    assert lives(process)


@pytest.mark.root
def test_a_child_of_another_user_survives_and_is_told(programs: Programs) -> None:
    program = programs.perl(f"if (!fork) {{ setuid {NOBODY}; stay }} stay;")
    first, second = program.processes(2)
    top, child = (second, first) if second.pid == program.popen.pid else (first, second)
    result = ended(top, uid=0)
    assert result.status is OutcomeStatus.DONE
    assert result.processes == (top,)
    assert result.reason == f"ended 1 process; left out: evil ({child.pid}) (it belongs to another user)"
    assert lives(child)


@pytest.mark.root
def test_the_real_user_counts_not_the_rights_that_a_program_took_on(programs: Programs) -> None:
    process = programs.perl(f"$> = {NOBODY}; stay;").process()
    assert ended(process, uid=NOBODY) == refusal("it belongs to another user")
    assert lives(process)


@pytest.mark.root
def test_another_sign_in_of_the_same_user_survives(programs: Programs) -> None:
    path = programs.copy()
    sign_in = "open my $f, '>', '/proc/self/loginuid'; syswrite $f, '0'; close $f; stay;"
    desktop, ssh = (programs.perl(sign_in, path).process() for _ in range(2))
    nowhere = programs.stay(path)
    assert procfs.login(desktop.pid) != procfs.login(ssh.pid)
    assert numbers(ended(desktop).processes) == numbers([desktop, nowhere])
    assert lives(ssh)


def test_processes_without_a_sign_in_may_be_of_any() -> None:
    assert Login(1).may_be(Login(1))
    assert Login(1).may_be(Login(None))
    assert Login(None).may_be(Login(2))
    assert not Login(1).may_be(Login(2))


# Without root


@contextmanager
def being(user: int) -> Generator[None]:
    os.setresuid(user, user, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.root
def test_without_root_another_users_program_survives_and_the_reason_says_so(programs: Programs) -> None:
    path = programs.copy()
    roots, own = programs.stay(path), programs.stay(path, user=NOBODY)
    with being(NOBODY):
        assert ability() == "on: programs of user nobody only (not root)"
        assert ended(roots) == Ended(OutcomeStatus.FAILED, "not allowed: the enforcer is not root")
        assert ended(own).status is OutcomeStatus.DONE
    assert lives(roots)
    assert not lives(own)


@pytest.mark.root
def test_as_root_all_programs_can_be_ended() -> None:
    assert ability() == "on"


# The system


@pytest.mark.root
def test_the_first_process_survives() -> None:
    inside = (
        "from vedette_enforcer.terminate import terminate; from vedette_schemas import Terminate;"
        "from vedette_transport import identify; print(terminate(Terminate(process=identify(1)), 0.1).reason)"
    )
    script = f"'{sys.executable}' -c '{inside}'; echo alive"
    said = subprocess.run(
        [UNSHARE, "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", script],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.splitlines() == ["not ended: it is the first process of the system", "alive"]


def test_threads_of_the_kernel_survive() -> None:
    threads = [running for stat in procfs.everyone() if stat.of_kernel and (running := procfs.look(stat.pid))]
    made_up = Running(Process(pid=2, started=0, executable="[kernel]"), 0, 0, of_kernel=True)
    for running in [*threads, made_up]:
        assert why_not(running, OwnProcesses(), None) == "it is a thread of the kernel"


@pytest.mark.root
@pytest.mark.parametrize("name", ["Xorg", "dpkg", "sshd", "systemd"])
def test_programs_that_the_system_needs_survive(name: str, programs: Programs) -> None:
    process = programs.stay(programs.copy(name, folder=programs.roots_folder()))
    assert ended(process) == refusal(REASONS[name])
    assert lives(process)


@pytest.mark.root
def test_a_display_server_survives_the_upgrade_of_its_file(programs: Programs) -> None:
    path = programs.copy("Xorg", folder=programs.roots_folder())
    process = programs.stay(path)
    path.unlink()
    assert ended(process) == refusal(REASONS["Xorg"])
    programs.copy("Xorg", folder=path.parent)
    assert ended(process) == refusal(REASONS["Xorg"])
    assert lives(process)


@pytest.mark.root
def test_a_protected_program_in_the_tree_survives_and_is_told(programs: Programs) -> None:
    display = programs.copy("Xvfb", folder=programs.roots_folder())
    program = programs.perl(f"if (!fork) {{ exec '{display}', '-e', '{SAY}stay' }} stay;")
    first, second = program.processes(2)
    top, child = (second, first) if second.pid == program.popen.pid else (first, second)
    assert ended(top).reason == f"ended 1 process; left out: Xvfb ({child.pid}) (it is the display server)"
    assert lives(child)


def test_a_users_program_with_a_protected_name_is_ended(programs: Programs) -> None:
    process = programs.stay(programs.copy("Xorg"))  # below /tmp, where everyone may write
    assert ended(process).processes == (process,)


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o757, 0o775])
def test_a_folder_that_others_may_write_to_protects_nothing(mode: int, programs: Programs) -> None:
    folder = programs.roots_folder()
    os.chown(folder, 0, 65_534)
    folder.chmod(mode)
    process = programs.stay(programs.copy("Xorg", folder=folder))
    assert ended(process).processes == (process,)


@pytest.mark.root
def test_a_program_that_mounts_itself_over_a_protected_one_is_ended(programs: Programs) -> None:
    evil = programs.copy()
    run = SAY + "stay"
    mount_and_run = f"mount --bind {evil} /usr/bin/dpkg && exec /usr/bin/dpkg -e '{run}'"
    program = programs.start(
        [UNSHARE, "--user", "--map-root-user", "--mount", "/bin/sh", "-c", mount_and_run], user=NOBODY
    )
    process = program.process()
    assert process.executable == "/usr/bin/dpkg"
    assert ended(process, uid=NOBODY).processes == (process,)
    assert program.all_end()


# Vedette itself


def test_the_enforcer_and_its_ancestors_survive(programs: Programs) -> None:
    program = programs.perl("fork or (fork or (say, sleep 100)); stay;")
    tree = {running.process.pid: running for running in program.runnings(3)}
    lowest = next(pid for pid in tree if pid not in {running.parent for running in tree.values()})
    own = OwnProcesses(lowest)
    for running in tree.values():
        assert ended(running.process, own=own) == refusal("Vedette itself runs below it")
    assert all(lives(running.process) for running in tree.values())


def test_no_ancestor_of_ours_may_be_ended() -> None:
    for ancestor in procfs.ancestors(os.getpid()):
        named = Process(pid=ancestor.pid, started=ancestor.started, executable="/any")
        assert why_not(Running(named, ancestor.parent, uid=0), OwnProcesses(), None) is not None


SUPERVISOR = """
import os, subprocess, sys, time
_, role, other = sys.argv
again = [sys.executable, "-c", sys.orig_argv[2]]
if role == "supervisor":
    for child in "enforcer", "sensor": subprocess.Popen([*again, child, other])
    subprocess.Popen([other, "-e", "system @ARGV", *again, "stranger", other])
if role == "sensor":
    subprocess.Popen([*again, "source", other])
os.write(1, b"%d\\n" % os.getpid()); time.sleep(100)
"""
"""A Vedette of five processes of one program, one of which another program has started."""


def role(running: Running) -> str:
    return Path(f"/proc/{running.process.pid}/cmdline").read_text("utf-8").split("\0")[3]


def test_what_our_supervisor_started_survives_and_nothing_else_of_the_same_program(
    programs: Programs,
) -> None:
    interpreter = programs.copy("python", of=Path(os.path.realpath(sys.executable)))
    other = str(programs.copy("other"))
    fake = programs.python(SUPERVISOR, interpreter, "sensor", other).processes(2)[0]
    started = programs.python(SUPERVISOR, interpreter, "supervisor", other).runnings(5)
    vedette = {role(running): running.process for running in started}
    stranger = vedette.pop("stranger")
    own = OwnProcesses(vedette["enforcer"].pid)
    for process in vedette.values():
        assert ended(process, own=own).status is OutcomeStatus.REFUSED
    for process in stranger, fake:
        assert ended(process, own=own).processes[0] == process
    assert sorted(vedette) == ["enforcer", "sensor", "source", "supervisor"]
    assert all(lives(process) for process in vedette.values())


def test_what_calls_itself_a_program_of_vedette_is_ended(programs: Programs) -> None:
    process = programs.stay(programs.copy(), name="vedette-enforcer")
    assert ended(process).processes == (process,)


@pytest.mark.parametrize(
    ("cgroups", "ours"),
    [
        ("0::/system.slice/vedette-sensor.service\n", True),
        ("12:pids:/x\n1:name=systemd:/system.slice/vedette-sensor.service/source\n0::/\n", True),
        ("0::/system.slice/ssh.service\n", False),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/vedette-sensor.service\n", False),
        ("0::/user.slice/system.slice/vedette-sensor.service\n", False),
        ("0::/system.slice/vedette-.service.d\n", False),
        ("", False),
    ],
)
def test_a_unit_of_the_system_is_ours_and_one_of_a_users_is_not(cgroups: str, ours: bool) -> None:
    assert is_of_our_unit(cgroups) is ours


def test_we_see_processes_as_sensors_name_them(programs: Programs) -> None:
    process = programs.stay(programs.copy("évil"))
    assert identify(process.pid) == process
