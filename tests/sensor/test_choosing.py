"""Which sources can watch."""

import pytest
from vedette_schemas import SettingsError
from vedette_sensor.choosing import (
    BY_SETTING,
    NO_DISPLAY,
    WAYLAND,
    XWAYLAND,
    Choice,
    NothingToWatchError,
    Plan,
    choose,
)

X11 = {"DISPLAY": ":0"}
WAYLAND_ONLY = {"WAYLAND_DISPLAY": "wayland-0", "XDG_SESSION_TYPE": "wayland"}
BOTH_X11 = Plan({"window": "x11", "clipboard": "x11"}, {})
BOTH_PORTABLE = Plan({"window": "portable", "clipboard": "portable"}, {})


@pytest.mark.parametrize(
    ("window", "clipboard", "environment", "platform", "plan"),
    [
        ("auto", "auto", X11, "linux", BOTH_X11),
        ("x11", "x11", X11, "linux", BOTH_X11),
        ("portable", "portable", X11, "linux", BOTH_PORTABLE),
        ("auto", "off", X11, "linux", Plan({"window": "x11"}, {"clipboard": BY_SETTING})),
        ("off", "off", {}, "linux", Plan({}, {"window": BY_SETTING, "clipboard": BY_SETTING})),
        ("auto", "auto", X11 | WAYLAND_ONLY, "linux", BOTH_X11._replace(limit=XWAYLAND)),
        ("auto", "auto", X11 | {"XDG_SESSION_TYPE": "wayland"}, "linux", BOTH_X11._replace(limit=XWAYLAND)),
        (
            "auto",
            "portable",
            WAYLAND_ONLY,
            "linux",
            Plan({"clipboard": "portable"}, {"window": WAYLAND}),
        ),
        ("auto", "auto", {}, "darwin", BOTH_PORTABLE),
        ("auto", "portable", {}, "win32", BOTH_PORTABLE),
    ],
)
def test_what_can_watch_does(
    window: Choice, clipboard: Choice, environment: dict[str, str], platform: str, plan: Plan
) -> None:
    assert choose(window, clipboard, environment, platform) == plan


@pytest.mark.parametrize(
    ("window", "clipboard", "environment", "line"),
    [
        ("auto", "auto", {}, f"window and clipboard are off: {NO_DISPLAY}"),
        ("portable", "auto", {}, f"window and clipboard are off: {NO_DISPLAY}"),
        ("off", "x11", {}, f"clipboard is off: {NO_DISPLAY}"),
        ("auto", "off", WAYLAND_ONLY, f"window is off: {WAYLAND}"),
        ("portable", "auto", WAYLAND_ONLY, f"window and clipboard are off: {WAYLAND}"),
        ("auto", "auto", {"XDG_SESSION_TYPE": "wayland"}, f"window and clipboard are off: {WAYLAND}"),
    ],
)
def test_where_nothing_can_watch_one_line_says_why(
    window: Choice, clipboard: Choice, environment: dict[str, str], line: str
) -> None:
    with pytest.raises(NothingToWatchError) as refused:
        choose(window, clipboard, environment, "linux")
    assert str(refused.value) == line


def test_x11_where_there_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="'clipboard'"):
        choose("auto", "x11", {}, "win32")


@pytest.mark.parametrize(
    ("clipboard", "environment", "remark"),
    [
        ("auto", X11, None),
        ("auto", X11 | WAYLAND_ONLY, f"{WAYLAND}: of this session only XWayland programs are seen"),
        ("portable", WAYLAND_ONLY, f"window is off: {WAYLAND}"),
    ],
)
def test_what_wayland_takes_away_is_said(
    clipboard: Choice, environment: dict[str, str], remark: str | None
) -> None:
    assert choose("auto", clipboard, environment, "linux").remark == remark
