"""From what a source saw to an observation: redacted, cut, and only when it is news."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, NamedTuple

from vedette_schemas import (
    MAX_CLIPBOARD,
    MAX_TITLE,
    ClipboardCopied,
    OperatingSystem,
    Process,
    WindowFocused,
)

Redact = Callable[[str], str]
Observed = WindowFocused | ClipboardCopied

_SYSTEMS: Final[dict[str, OperatingSystem]] = {"win32": "windows", "darwin": "macos"}
SYSTEM: Final[OperatingSystem] = _SYSTEMS.get(sys.platform, "linux")


class Front(NamedTuple):
    """The window in front: what a window source sees. `pid_from` says who named its process."""

    title: str
    process: Process | None
    pid_from: Literal["server", "client"] | None


class Copy(NamedTuple):
    """A text in the clipboard, or what was read of it; `length` is the whole text's in bytes."""

    text: str
    length: int


class WindowObserver:
    """Makes observations of the window in front."""

    def __init__(self, redact: Redact) -> None:
        """`redact` takes out of a title what is nobody's business."""
        self._redact = redact
        self._last: tuple[str, Process | None] | None = None

    def observe(self, front: Front, at: datetime) -> WindowFocused | None:
        """Return what is to be reported, if the title or the process changed."""
        title, process, pid_from = front
        if (title, process) == self._last:
            return None
        self._last = title, process
        return WindowFocused(
            seen_at=at,
            os=SYSTEM,
            title=_carriable(self._redact(title))[:MAX_TITLE],
            process=process,
            pid_from=pid_from if process else None,
        )


class ClipboardObserver:
    """Makes observations of what is copied."""

    def __init__(self, redact: Redact) -> None:
        """`redact` takes out of a text what is nobody's business."""
        self._redact = redact
        self._last: Copy | None = None

    def observe(self, copy: Copy, at: datetime) -> ClipboardCopied | None:
        """Return what is to be reported, if there is text and it is not the one reported last."""
        if not copy.text or copy == self._last:
            return None
        self._last = copy
        # Redacted before it is cut: a secret cut in two would not be known as one.
        text = _carriable(self._redact(copy.text))[:MAX_CLIPBOARD]
        return ClipboardCopied(seen_at=at, text=text, length=copy.length)


def _carriable(text: str) -> str:
    """Return a text that JSON can carry: a half of a surrogate pair becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")
