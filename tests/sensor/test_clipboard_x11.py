"""The clipboard on a real X server, with owners that misbehave."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from vedette_schemas import WindowFocused
from Xlib import X

from tests.desktop import Desktop, end

from .conftest import Session, Taker
from .owners import Owner

pytestmark = pytest.mark.desktop

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def watched(desktop: Desktop, taker: Taker, tmp_path: Path) -> Iterator[Taker]:
    with Session(tmp_path, desktop.environment, window="off"):
        taker.source("clipboard", "on: x11 events")
        yield taker


def test_a_copied_text_is_seen(desktop: Desktop, watched: Taker) -> None:
    desktop.copy("über\n四\x00")
    seen = watched.copied()
    assert (seen.text, seen.length) == ("über\n四\x00", 10)


def test_ten_megabytes_are_seen_as_their_beginning_and_their_length(desktop: Desktop, watched: Taker) -> None:
    text = b"0123456789" * 1_000_000
    desktop.copy(text)
    seen = watched.copied()
    assert seen.text == text[:16_384].decode()
    assert seen.length == len(text)
    desktop.copy("and on it goes")
    assert watched.copied().text == "and on it goes"


def test_an_image_is_passed_over(desktop: Desktop, watched: Taker) -> None:
    desktop.copy(PNG, "-t", "image/png")
    desktop.copy("words")
    assert watched.copied().text == "words"


def test_text_marked_with_the_mouse_was_not_copied(desktop: Desktop, watched: Taker) -> None:
    with Owner(desktop.name, {"UTF8_STRING": b"marked"}, selection="PRIMARY"):
        assert watched.nothing_for(0.2)
    desktop.copy("words")
    assert watched.copied().text == "words"


def test_the_same_text_twice_in_a_row_is_seen_once(desktop: Desktop, watched: Taker) -> None:
    desktop.copy("words")
    assert watched.copied().text == "words"
    desktop.copy("words")
    desktop.copy("others")
    assert watched.copied().text == "others"


def test_what_a_password_manager_copies_is_not_even_asked_for(desktop: Desktop, watched: Taker) -> None:
    secret = {"UTF8_STRING": b"hunter2", "x-kde-passwordManagerHint": b"secret"}
    with Owner(desktop.name, secret) as owner:
        assert watched.nothing_for(0.5)
        assert owner.asked == ["TARGETS"]


def test_text_in_the_old_encoding_is_read(desktop: Desktop, watched: Taker) -> None:
    with Owner(desktop.name, {"STRING": b"\xfcber"}):
        assert watched.copied().text == "über"


def test_bytes_that_are_no_text_are_read_as_far_as_they_go(desktop: Desktop, watched: Taker) -> None:
    with Owner(desktop.name, {"UTF8_STRING": b"a\xff\xed\xa0\x80b"}):
        assert watched.copied().text.startswith("a�")


@pytest.mark.parametrize("offers", [{}, {"UTF8_STRING": None}, {"TARGETS": b""}])
def test_an_owner_that_gives_nothing_holds_nothing_up(
    desktop: Desktop, watched: Taker, offers: dict[str, bytes | None]
) -> None:
    with Owner(desktop.name, offers, silent="TARGETS" in offers):
        assert watched.nothing_for(0.2)
        desktop.copy("words")
        assert watched.copied().text == "words"


def test_a_stopped_owner_holds_up_neither_windows_nor_the_next_copy(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment), desktop.window("one") as window:
        taker.title("one")
        taker.source("clipboard", "on: x11 events")
        owner = desktop.start("xclip", "-quiet", "-selection", "clipboard", "/etc/hostname")
        taker.copied()
        owner.send_signal(signal.SIGSTOP)
        with Owner(desktop.name, {"UTF8_STRING": b"never"}, silent=True):
            window.retitle("two")  # while the clipboard waits for its answer
            assert isinstance(taker.next(0.5), WindowFocused)
        desktop.copy("words")
        assert taker.copied().text == "words"
        end(owner)


def test_a_storm_of_copies_ends_with_the_last(desktop: Desktop, watched: Taker) -> None:
    with desktop.connect() as client:
        window = client.open("storm")
        asked = 0
        for _ in range(2_000):
            window.set_selection_owner(client.atom("CLIPBOARD"), X.CurrentTime)
        desktop.copy("the last")
        assert watched.copied().text == "the last"
        while client.display.pending_events():
            asked += client.display.next_event().type == X.SelectionRequest
        assert asked <= 10


def test_secrets_are_taken_out_before_text_is_cut(desktop: Desktop, watched: Taker) -> None:
    key = "AKIA" + "Q3EGRIZ7T5VN2MPX"
    desktop.copy("x" * (16_384 - 30) + " " + key + " " + "y" * 100)
    seen = watched.copied()
    assert key[:12] not in seen.text
    assert len(seen.text) <= 16_384


def test_full_privacy_setting_leaves_text_as_it_is(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, window="off", privacy="full"):
        taker.source("clipboard", "on: x11 events")
        desktop.copy("AKIAQ3EGRIZ7T5VN2MPX")
        assert taker.copied().text == "AKIAQ3EGRIZ7T5VN2MPX"
