"""Windows on a real X server, with clients, window managers and servers that misbehave."""

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from vedette_schemas import WindowFocused
from vedette_transport import identify
from Xlib import X

from tests.desktop import Desktop, end

from .conftest import Session, Taker

pytestmark = pytest.mark.desktop

PRIVATE = "AKIA" + "Q3EGRIZ7T5VN2MPX"


def test_a_window_that_comes_to_the_front_is_seen_with_its_process(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("Payroll") as window:
        seen = taker.title("Payroll")
        assert seen.process == identify(window.pid)
        assert seen.pid_from == "server"
        assert seen.os == "linux"
        assert seen.uid is None
        assert timedelta(0) <= datetime.now(UTC) - seen.seen_at < timedelta(seconds=10)
        assert taker.sources["window"] == "on: x11 events"
        assert taker.sources["clipboard"] == "off: by setting"


def test_each_title_that_stays_a_moment_is_seen(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one") as window:
        taker.title("one")
        for title in ("two", "drei", "四", "👁 " * 600, "a\n\x1b\x00b"):
            window.retitle(title)
            assert taker.next_title() == title[:1024]


def test_the_window_that_is_brought_back_is_seen_again(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with (
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.window("one") as one,
        desktop.window("two") as two,
    ):
        taker.title("two")
        one.focus()
        assert taker.next_title() == "one"
        two.focus()
        assert taker.next_title() == "two"


def test_a_title_that_is_set_again_is_not_news(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one") as window:
        taker.title("one")
        window.retitle("one")
        window.retitle("two")
        assert taker.next_title() == "two"


def test_titles_are_redacted_unless_the_setting_says_otherwise(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with desktop.window(f"key {PRIVATE}"):
        with Session(tmp_path, desktop.environment, clipboard="off"):
            assert PRIVATE not in taker.next_title()
        with Session(tmp_path, desktop.environment, clipboard="off", privacy="full"):
            assert taker.next_title() == f"key {PRIVATE}"


def test_a_storm_of_titles_is_thinned_out_and_its_last_one_is_seen(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off") as session, desktop.connect() as client:
        window = client.open("calm")
        taker.title("calm")
        began = time.monotonic()
        for number in range(6_000):
            client.retitle(window, f"storm {number}")
        client.retitle(window, "over")
        times = [taker.next().seen_at]
        while (seen := taker.next()) and isinstance(seen, WindowFocused) and seen.title != "over":
            times.append(seen.seen_at)
        seconds = time.monotonic() - began
        for at in times:
            assert sum(at <= other < at + timedelta(seconds=1) for other in times) <= 20
        assert session.cpu_seconds() < 1 + 0.3 * seconds


def test_windows_that_vanish_are_no_trouble(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.connect() as client:
        taker.source("window", "on: x11 events")
        for number in range(100):
            client.open(f"short {number}").destroy()
        client.open("it stays")
        taker.title("it stays")


def test_the_client_names_its_process_where_the_server_does_not(taker: Taker, tmp_path: Path) -> None:
    with (
        Desktop("-extension", "X-Resource") as desktop,
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.window("local") as window,
        desktop.connect() as client,
    ):
        seen = taker.title("local")
        assert (seen.process, seen.pid_from) == (identify(window.pid), "client")
        remote = client.open("remote", machine="elsewhere")
        client.focus(remote)
        seen = taker.title("remote")
        assert (seen.process, seen.pid_from) == (None, None)


@pytest.mark.parametrize(
    ("kind", "form", "value"),
    [("CARDINAL", 32, [1, 2, 3]), ("UTF8_STRING", 8, b"\xff\xfe\xed\xa0\x80"), ("STRING", 8, b"a" * 200_000)],
)
def test_a_title_of_a_strange_form_is_no_trouble(
    desktop: Desktop, taker: Taker, tmp_path: Path, kind: str, form: int, value: list[int] | bytes
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.connect() as client:
        window = client.open("plain")
        taker.title("plain")
        window.change_property(client.atom("_NET_WM_NAME"), client.atom(kind), form, value)
        client.display.flush()
        assert isinstance(taker.next(), WindowFocused)
        client.retitle(window, "plain again")
        taker.title("plain again")


def test_a_forged_active_window_is_no_trouble(taker: Taker, tmp_path: Path) -> None:
    with (
        Desktop() as desktop,
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.connect() as client,
    ):
        taker.source("window", "on: x11 events")
        for form, value in ((8, b"abc"), (32, []), (32, [0xFFFFFFFF]), (32, [client.root.id]), (16, [7])):
            client.root.change_property(client.atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType + 6, form, value)
            client.display.sync()
        client.open("still here")
        taker.title("still here")


def test_without_a_window_manager_it_says_so_and_waits_for_one(taker: Taker, tmp_path: Path) -> None:
    with (
        Desktop(manager=False) as desktop,
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.window("unmanaged") as window,
    ):
        taker.source("window", "off: no window manager")
        manager = desktop.manage()
        taker.source("window", "on: x11 events")
        window.focus()
        taker.title("unmanaged")
        end(manager)
        desktop.manage()
        with desktop.window("after the crash"):
            taker.title("after the crash")


def test_a_display_that_is_not_there_is_said_once(taker: Taker, tmp_path: Path) -> None:
    with Desktop(manager=False) as gone:
        environment = gone.environment
    with Session(tmp_path, environment) as session:
        taker.source("window", "off: no display at")
        taker.source("clipboard", "off: no display at")
        time.sleep(2)  # it tries again meanwhile
        assert session.log.read_text().count("window is off: no display") == 1


def test_a_display_that_dies_is_watched_again_once_it_is_back(taker: Taker, tmp_path: Path) -> None:
    with Desktop() as desktop, Session(tmp_path, desktop.environment):
        taker.source("window", "on: x11 events")
        taker.source("clipboard", "on: x11 events")
        end(desktop.server)
        taker.source("window", "went away")
        taker.source("clipboard", "went away")
        with Desktop(desktop.name) as again:
            taker.source("window", "on: x11 events")
            with again.window("back"):
                taker.title("back")


def test_a_display_that_hangs_does_not_hold_up_the_end(taker: Taker, tmp_path: Path) -> None:
    with Desktop() as desktop, Session(tmp_path, desktop.environment) as session, desktop.window("one"):
        taker.title("one")
        desktop.server.send_signal(signal.SIGSTOP)
        try:
            assert session.seconds_to_end(signal.SIGTERM) < 1
        finally:
            desktop.server.send_signal(signal.SIGCONT)


def test_a_display_that_does_not_answer_at_the_start_is_said(taker: Taker, tmp_path: Path) -> None:
    with Desktop() as desktop:
        desktop.server.send_signal(signal.SIGSTOP)
        try:
            with Session(tmp_path, desktop.environment):
                taker.source("window", "off: not begun yet")
                taker.source("window", "off: no answer from the display", seconds=15)
                desktop.server.send_signal(signal.SIGCONT)
                taker.source("window", "on: x11 events")
        finally:
            desktop.server.send_signal(signal.SIGCONT)


def test_behind_a_real_locker_nothing_is_seen(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one") as window:
        taker.title("one")
        locker = desktop.start("i3lock", "--nofork")
        with desktop.connect() as client:
            client.wait_until(client.is_keyboard_grabbed)
        window.retitle("changed by itself")
        taker.source("window", "off: the screen is locked")
        window.retitle("changed again")
        assert taker.nothing_for(0.3)
        end(locker)
        assert taker.next_title() == "changed again"
        taker.source("window", "on: x11 events")


def test_a_locker_that_was_there_first_is_known(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with desktop.window("one"), desktop.connect() as client:
        locker = client.open("locker", above_all=True, size=(1280, 800))
        client.grab_keyboard(locker)
        with Session(tmp_path, desktop.environment, clipboard="off"):
            taker.source("window", "off: the screen is locked")
            locker.unmap()
            client.ungrab_keyboard()
            taker.title("one")


@pytest.mark.parametrize(("size", "grabs"), [((300, 400), True), ((1280, 800), False)])
def test_menus_and_overlays_are_no_lockers(
    desktop: Desktop, taker: Taker, tmp_path: Path, size: tuple[int, int], grabs: bool
) -> None:
    with (
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.window("one") as window,
        desktop.connect() as client,
    ):
        taker.title("one")
        client.root.warp_pointer(100, 100)
        menu = client.open("menu", above_all=True, size=size)
        if grabs:
            client.grab_keyboard(menu)
        window.retitle("two")
        assert taker.next_title() == "two"
        assert grabs or not client.is_keyboard_grabbed()


def test_a_window_that_hides_nothing_is_no_locker(desktop: Desktop, taker: Taker, tmp_path: Path) -> None:
    with (
        Session(tmp_path, desktop.environment, clipboard="off"),
        desktop.window("one") as window,
        desktop.connect() as client,
    ):
        taker.title("one")
        glass = client.root.create_window(
            0, 0, 1280, 800, 0, 0, window_class=X.InputOnly, override_redirect=True
        )
        glass.map()
        client.grab_keyboard(client.root)
        window.retitle("two")
        assert taker.next_title() == "two"


def test_a_program_can_not_hide_by_grabbing_the_keyboard(
    desktop: Desktop, taker: Taker, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.connect() as client:
        window = client.open("one", size=(1280, 800))
        taker.title("one")
        client.grab_keyboard(window)
        client.open("cover", above_all=True, size=(1280, 800))
        client.retitle(window, "two")
        assert taker.next_title() == "two"
