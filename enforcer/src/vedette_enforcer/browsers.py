"""Pages, and names in browsers: the managed policies of Chromium, Chrome, Edge and Firefox."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from . import policies
from .part import ActError
from .replacing import replace
from .surroundings import Surroundings
from .wanted import Wanted

OUR_FILE = "zz-vedette.json"
"""Of several files the last by name wins."""

_MOST = 4 * 2**20


class Browser(NamedTuple):
    """Where a browser looks for its policies, and what tells that it is there."""

    name: str
    folder: Path
    signs: tuple[Path, ...]

    def is_there(self) -> bool:
        """Tell whether it is installed, or someone has written policies for it."""
        return any(sign.exists() for sign in self.signs)


def _browser(name: str, folder: str, *signs: str) -> Browser:
    return Browser(name, Path(folder), tuple(map(Path, signs)))


FIREFOX = _browser(
    "Firefox",
    "/etc/firefox/policies",
    *("/etc/firefox", "/usr/bin/firefox", "/usr/bin/firefox-esr", "/snap/bin/firefox", "/opt/firefox"),
)
CHROMIUMS = (
    _browser(
        "Chromium",
        "/etc/chromium/policies/managed",
        *("/etc/chromium", "/usr/bin/chromium", "/usr/bin/chromium-browser", "/snap/bin/chromium"),
    ),
    _browser("Chrome", "/etc/opt/chrome/policies/managed", "/etc/opt/chrome", "/opt/google/chrome"),
    _browser("Edge", "/etc/opt/edge/policies/managed", "/etc/opt/edge", "/opt/microsoft/msedge"),
)

if sys.platform != "linux":
    raise ImportError("not built for this system yet")


class Browsers:
    """The policy files as they were left."""

    name = "pages"

    def __init__(self) -> None:
        """Nothing is known of them."""
        self._left: object = None
        self._any = False

    def ability(self) -> str:
        """Say in which browsers it works here."""
        if os.geteuid() != 0:
            return "off: not root"
        found = [browser.name for browser in (*CHROMIUMS, FIREFOX) if browser.is_there()]
        return f"on: {', '.join(found)}" if found else "off: no browser that takes policies is installed"

    def apply(self, wanted: Wanted, around: Surroundings) -> None:  # noqa: ARG002
        """Write the files that are not what they should be; one that can't be hinders no other."""
        problems: list[str] = []
        for browser in CHROMIUMS:
            self._each(browser, problems, lambda b: _chromium(b, policies.chromium_patterns(wanted)))
        self._each(FIREFOX, problems, lambda b: _firefox(b, policies.firefox_patterns(wanted)))
        self._left = _stamps()
        self._any = bool(wanted.pages or wanted.hosts)
        if problems:
            raise ActError("; ".join(problems))

    def disturbed(self) -> bool:
        """Tell whether a file is another one than was left, or a browser is new, while something is ours."""
        return self._any and _stamps() != self._left

    def _each(self, browser: Browser, problems: list[str], write: Callable[[Browser], None]) -> None:
        try:
            write(browser)
        except (OSError, ActError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            problems.append(f"{browser.name}'s policies can't be written: {why}")


def _chromium(browser: Browser, patterns: Sequence[str]) -> None:
    path = browser.folder / OUR_FILE
    if not patterns or not browser.is_there():
        path.unlink(missing_ok=True)
        return
    others = [each for each in sorted(browser.folder.glob("*.json")) if each != path]
    content = policies.chromium_file(patterns, map(_read, others))
    _write(path, content)


def _firefox(browser: Browser, patterns: Sequence[str]) -> None:
    path = browser.folder / "policies.json"
    exists = path.exists()
    if exists or (patterns and browser.is_there()):
        _write(path, policies.firefox_file(patterns, _read(path) if exists else None))


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or _read(path) != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content)


def _read(path: Path) -> bytes:
    if path.stat().st_size > _MOST:
        raise ActError(f"{path} is larger than {_MOST // 2**20} MiB")
    return path.read_bytes()


def _stamps() -> object:
    return [
        (browser.is_there(), [_stamp(path) for path in sorted(browser.folder.glob("*.json"))])
        for browser in (*CHROMIUMS, FIREFOX)
    ]


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_ino, found.st_size, found.st_mtime_ns
