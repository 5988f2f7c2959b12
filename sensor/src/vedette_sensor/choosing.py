"""Which sources can watch this session, and why the others can't. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from vedette_schemas import SettingsError, VedetteError

Choice = Literal["auto", "x11", "portable", "off"]
Way = Literal["x11", "portable"]

BY_SETTING = "by setting"
NO_DISPLAY = "this session has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)"
WAYLAND = "Wayland lets no program watch others"
XWAYLAND = "XWayland programs only"

_SOURCES: Final = ("window", "clipboard")


class NothingToWatchError(VedetteError):
    """There is nothing here that a session could watch."""


class Plan(NamedTuple):
    """The way to watch each source, why the others are off, and what limits those that watch."""

    ways: Mapping[str, Way]
    off: Mapping[str, str]
    limit: str | None = None

    @property
    def remark(self) -> str | None:
        """What the user should know of it."""
        if self.limit == XWAYLAND:
            return f"{WAYLAND}: of this session only XWayland programs are seen"
        return f"window is off: {WAYLAND}" if self.ways and WAYLAND in self.off.values() else None


def choose(window: Choice, clipboard: Choice, environment: Mapping[str, str], platform: str) -> Plan:
    """Decide; raise `NothingToWatchError` if what was asked for can't be had at all."""
    asked: dict[str, Choice] = {"window": window, "clipboard": clipboard}
    why = _why_none(environment) if platform not in {"win32", "darwin"} else None
    ways: dict[str, Way] = {}
    off: dict[str, str] = {}
    for source, choice in asked.items():
        if choice == "off":
            off[source] = BY_SETTING
        elif why is not None and not (choice == "portable" and why == WAYLAND and source == "clipboard"):
            off[source] = why
        else:
            ways[source] = _way(source, choice, platform)
    if not ways and any(choice != "off" for choice in asked.values()):
        raise NothingToWatchError(f"{_spoken(asked)} off: {why}")
    limit = XWAYLAND if ways and why is None and _is_wayland(environment) else None
    return Plan(ways, off, limit)


def _way(source: str, choice: Choice, platform: str) -> Way:
    has_x11 = platform not in {"win32", "darwin"}
    if choice == "x11" and not has_x11:
        raise SettingsError(f'\'{source}\': there is no X11 on this system; "auto" or "portable" watch here')
    return "portable" if choice == "portable" or not has_x11 else "x11"


def _is_wayland(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("WAYLAND_DISPLAY")) or environment.get("XDG_SESSION_TYPE") == "wayland"


def _why_none(environment: Mapping[str, str]) -> str | None:
    if environment.get("DISPLAY"):
        return None
    return WAYLAND if _is_wayland(environment) else NO_DISPLAY


def _spoken(asked: Mapping[str, Choice]) -> str:
    wanted = [source for source in _SOURCES if asked[source] != "off"]
    return "window and clipboard are" if len(wanted) > 1 else f"{wanted[0]} is"
