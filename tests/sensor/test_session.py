"""`vedette-session` as a program: how it begins and ends, and what it does without its sensor."""

import signal
from pathlib import Path

import pytest
from vedette_schemas import Hello, WindowFocused

from tests.desktop import Desktop

from .conftest import Session, Taker

pytestmark = pytest.mark.system


def test_without_a_display_one_line_says_so(tmp_path: Path, no_display: dict[str, str]) -> None:
    with Session(tmp_path, no_display) as session:
        assert session.refusal() == (
            "vedette-session: window and clipboard are off: "
            "this session has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)\n"
        )


def test_on_wayland_one_line_says_so(tmp_path: Path, no_display: dict[str, str]) -> None:
    with Session(tmp_path, {**no_display, "WAYLAND_DISPLAY": "wayland-0"}) as session:
        assert session.refusal() == (
            "vedette-session: window and clipboard are off: Wayland lets no program watch others\n"
        )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"windows": "auto"}, "unknown setting 'windows'"),
        ({"window": "no"}, "'window': "),
        ({"poll_seconds": 0.01}, "'poll_seconds': "),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(
    tmp_path: Path, no_display: dict[str, str], settings: dict[str, object], line: str
) -> None:
    with Session(tmp_path, no_display, **settings) as session:
        said = session.refusal()
    assert said.startswith(f"vedette-session: {tmp_path}/session.toml: {line}")
    assert said.count("\n") == 1


@pytest.mark.desktop
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("way", ["x11", "portable"])
def test_it_ends_within_a_second(
    desktop: Desktop, taker: Taker, tmp_path: Path, number: signal.Signals, way: str
) -> None:
    with Session(tmp_path, desktop.environment, window=way, clipboard=way) as session:
        taker.source("window", "on")
        taker.source("clipboard", "on")
        children = session.children()
        assert session.seconds_to_end(number) < 1
        assert len(children) == (2 if way == "portable" else 0)
        assert not any(Path(f"/proc/{child}").exists() for child in children)


@pytest.mark.desktop
def test_what_is_seen_while_no_sensor_is_there_is_handed_over_later(desktop: Desktop, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one") as window:
        with Taker(tmp_path / "sensor.sock") as first:
            assert first.title("one")
            greeted = first.hello
        window.retitle("while nobody was there")
        with Taker(tmp_path / "sensor.sock") as second:
            assert second.next_title() == "while nobody was there"
            assert second.hello is not None
            assert greeted is not None
            assert second.hello.nonce == greeted.nonce


@pytest.mark.desktop
def test_what_was_sent_and_not_taken_is_sent_again_under_its_sequence(
    desktop: Desktop, tmp_path: Path
) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off"), desktop.window("one"):
        with Taker(tmp_path / "sensor.sock", answer=lambda _: None) as first:
            assert first.title("one")
        with Taker(tmp_path / "sensor.sock") as second:
            assert isinstance(second.next(), WindowFocused)
            assert second.sequences == first.sequences


@pytest.mark.desktop
def test_a_sensor_that_talks_garbage_is_left_and_tried_again(desktop: Desktop, tmp_path: Path) -> None:
    with Session(tmp_path, desktop.environment, clipboard="off") as session, desktop.window("one"):
        with Taker(tmp_path / "sensor.sock", answer=lambda _: Hello(nonce="0" * 16, sources={})) as first:
            assert first.title("one")
            first.await_departure()
        with Taker(tmp_path / "sensor.sock") as second:
            assert second.next_title() == "one"
        assert session.log.read_text().count("broke off") == 1


@pytest.mark.desktop
def test_it_loads_nothing_of_what_only_the_roots_programs_need(desktop: Desktop, tmp_path: Path) -> None:
    """One runs for each user: MQTT with TLS, SQLite and cryptography would double what is its own."""
    with (
        Session(tmp_path, desktop.environment) as session,
        desktop.window("one"),
        Taker(tmp_path / "sensor.sock") as taker,
    ):
        assert taker.title("one")
        loaded = Path(f"/proc/{session.program.pid}/maps").read_text()
    assert [name for name in ("_ssl", "_sqlite3", "cryptography") if f"/{name}" in loaded] == []
