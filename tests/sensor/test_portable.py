"""The portable sources on a real desktop: no library they stand on can hang or end the session."""

import signal
from pathlib import Path

import pytest
from vedette_transport import identify

from tests.desktop import Desktop, end

from .conftest import Session, Taker

pytestmark = pytest.mark.desktop

POLLS: dict[str, object] = {"window": "portable", "clipboard": "portable", "poll_seconds": 0.1}


def test_windows_and_copies_are_seen(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, **POLLS), desktop.window("one") as window:
        seen = taker.title("one")
        assert (seen.process, seen.pid_from) == (identify(window.pid), "server")
        window.retitle("zwei\n四")
        taker.title("zwei\n四")
        desktop.copy("über".encode())
        copied = taker.copied()
        assert (copied.text, copied.length) == ("über", 5)
        assert taker.sources == {"window": "on: pywinctl polls", "clipboard": "on: pyperclip polls"}


def test_images_and_ten_megabytes_are_no_trouble(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    desktop.copy(b"\x89PNG\xff\xfe", "-t", "image/png")
    with Session(tmp_path, desktop.environment, **{**POLLS, "window": "off"}):
        taker.source("clipboard", "on")
        assert taker.nothing_for(0.5)
        desktop.copy(b"0123456789" * 1_000_000)
        copied = taker.copied()
        assert (copied.text[:10], len(copied.text), copied.length) == ("0123456789", 16_384, 10_000_000)


def test_a_stopped_owner_is_said_and_holds_up_no_window(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    owner = desktop.start("xclip", "-quiet", "-selection", "clipboard", "/etc/hostname")
    with Session(tmp_path, desktop.environment, **POLLS) as session, desktop.window("one") as window:
        taker.copied()
        owner.send_signal(signal.SIGSTOP)
        taker.source("clipboard", "off: no answer within 3 s")
        window.retitle("two")
        taker.title("two")
        end(owner)
        desktop.copy(b"words")
        assert taker.copied().text == "words"
        children = session.children()
    assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_without_xrandr_windows_are_off_and_the_rest_goes_on(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    (path / "xclip").symlink_to("/usr/bin/xclip")
    with Session(tmp_path, {**desktop.environment, "PATH": str(path)}, **POLLS):
        taker.source("window", "off: ")
        desktop.copy(b"words")
        assert taker.copied().text == "words"


def test_a_display_that_dies_is_watched_again_once_it_is_back(taker: Taker, tmp_path: Path) -> None:
    with Desktop() as desktop, Session(tmp_path, desktop.environment, **POLLS):
        taker.source("window", "on")
        end(desktop.server)
        taker.source("window", "off: ")
        with Desktop(desktop.name) as again, again.window("back"):
            taker.title("back")


def test_no_window_manager_is_no_trouble(taker: Taker, tmp_path: Path) -> None:
    with (
        Desktop(manager=False) as desktop,
        Session(tmp_path, desktop.environment, **{**POLLS, "clipboard": "off"}),
        desktop.window("one") as window,
    ):
        taker.source("window", "on: pywinctl polls")
        desktop.manage()
        window.focus()
        taker.title("one")
