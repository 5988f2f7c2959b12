"""A user of the victim's host lies to its sensor: no other user's program is ended for it, nor a browser."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from uuid import uuid4

import pytest
from vedette_schemas import Alert, Process, State
from vedette_transport import identify

from tests.enforcer.programs import NOBODY, lives

from .network import LISTED, PHRASE, Network
from .session import title_of, window

pytestmark = [pytest.mark.system, pytest.mark.root]

GAMES = 5


def final(attacked: Network, process: Process | None, title: str, uid: int = NOBODY, **lies: str) -> Alert:
    """Have a session of nobody's hand a window over; return what operators are told in the end."""
    title = f"{uuid4().hex} {title}"
    seen = window(process, title, uid).model_copy(update=lies)
    with attacked.session() as session:
        session.hand_over(seen)
    return attacked.alert(lambda alert: alert.state is State.FINAL and title_of(alert) == title)


def truly(process: Process) -> Process:
    return process


def as_listed(process: Process) -> Process:
    """Say that it runs a listed program's file."""
    return process.model_copy(update={"executable": f"/opt/{LISTED}"})


@pytest.mark.parametrize("owner", [0, GAMES])
@pytest.mark.parametrize("claimed", [NOBODY, GAMES, 0])
def test_another_users_listed_program_survives_whose_window_the_session_says_it_has(
    attacked: Network, owner: int, claimed: int
) -> None:
    theirs = attacked.stays(LISTED, user=owner)
    alert = final(attacked, theirs, "a title", claimed)
    assert "it belongs to another user" in alert.done
    assert alert.origin is not None
    assert alert.origin.uid == NOBODY, "the kernel's word, whatever the session says"
    assert lives(theirs)
    assert attacked.is_whole()


@pytest.mark.parametrize("title", ["a title", PHRASE])
@pytest.mark.parametrize("lie", [truly, as_listed])
def test_another_users_other_program_survives_what_is_said_of_it(
    attacked: Network, lie: Callable[[Process], Process], title: str
) -> None:
    theirs = attacked.stays("victim", user=GAMES)
    if lie is truly and title != PHRASE:
        return  # nothing of that is listed
    alert = final(attacked, lie(theirs), title)
    assert alert.done.startswith("not done: the host refused")
    assert lives(theirs)
    assert attacked.is_whole()


def test_neither_the_enforcer_nor_the_sensor_is_ended_nor_what_is_roots(attacked: Network) -> None:
    for number in (os.getpid(), attacked.pid("sensor"), attacked.pid("enforcer")):
        process = identify(number)
        assert process is not None
        assert "not done: the host refused" in final(attacked, process, PHRASE).done
        assert lives(process)
    assert attacked.is_whole()


@pytest.mark.parametrize("browser", ["firefox", "soffice.bin", "xterm"])
@pytest.mark.parametrize(
    "title",
    [
        f"Free things: {PHRASE} - Mozilla Firefox",
        f"Article - {LISTED}",
        LISTED,
        f"/opt/{LISTED} — {PHRASE} \u202e{LISTED}",
    ],
)
def test_no_web_page_has_the_browser_ended_by_its_title(attacked: Network, browser: str, title: str) -> None:
    process = attacked.stays(browser)
    seen = f"{uuid4().hex} {title}"
    with attacked.session() as session:
        session.hand_over(window(process, seen))
    if PHRASE in title:
        told = attacked.alert(lambda alert: seen.startswith(title_of(alert)[:33]))
        assert "a browser, office or shell program is not ended for its title" in told.done
    assert attacked.is_whole(), "and so its title was judged"
    assert lives(process)


def test_a_window_that_names_its_process_itself_ends_nothing_for_its_title(attacked: Network) -> None:
    process = attacked.stays("victim")
    told = final(attacked, process, PHRASE, pid_from="client")
    assert "rests on the window's own word" in told.done
    assert lives(process)


def test_who_runs_a_program_out_of_reach_of_its_own_lie_ends_but_their_own(attacked: Network) -> None:
    """A file with the listed name: the program is the user's own, and so is the loss."""
    own, beside = attacked.stays(LISTED), attacked.stays(LISTED, user=GAMES)
    assert f"ended {LISTED}" in final(attacked, own, "a title").done
    assert lives(beside)


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff\xfe" * 100,
        b'{"sequence": 1}',
        b"[" * 100_000,
        b"x" * 300_000,
        b'{"nonce":"../../../../etc","sources":{}}',
    ],
    ids=["half", "no text", "no observation", "deep", "long", "a path"],
)
def test_a_session_that_writes_garbage_is_cut_off_and_nobody_else(attacked: Network, line: bytes) -> None:
    with attacked.session(GAMES) as hostile:
        hostile.try_to_say(line)
        assert hostile.is_cut_off()
    assert attacked.is_whole()
    assert "Traceback" not in attacked.log("sensor")


def test_one_users_sessions_take_no_place_of_anothers(attacked: Network) -> None:
    """And who says more than can be taken waits; the others do not."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(attacked.session(GAMES)) for _ in range(8)]
        with pytest.raises((OSError, StopIteration)), attacked.session(GAMES) as one_too_many:
            one_too_many.hand_over(window(None))
        for talker in crowd:
            talker.connection.settimeout(0.2)
            talker.try_to_say(b'{"sequence":1,"observation":{"kind":"clipboard"}}\n' * 100_000)
        assert attacked.is_whole()


@pytest.mark.parametrize("name", ["sensor.sock", "enforcer.sock"])
def test_what_a_user_can_reach_of_the_host_programs_is_their_sockets(attacked: Network, name: str) -> None:
    assert (attacked.programs.folder / name).is_socket()
    for kept in attacked.folder.glob("*.db*"):
        assert kept.stat().st_mode & 0o077 == 0, f"others can read {kept.name}"
