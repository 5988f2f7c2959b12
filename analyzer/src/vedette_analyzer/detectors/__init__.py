"""The detectors, listed by hand."""

from collections.abc import Callable
from typing import Any

from .detector import Detector
from .listed_clipboard import ListedClipboard
from .listed_connection import ListedConnection
from .listed_hash import ListedHash
from .listed_process import ListedProcess
from .listed_window import ListedWindow
from .lists import Lists
from .look_alike import LookAlikeConnection, LookAlikeText, LookAlikeWindow
from .selftest import SelfTested

LISTED: tuple[Callable[[Lists], Detector[Any]], ...] = (
    ListedWindow,
    ListedClipboard,
    ListedProcess,
    ListedHash,
    ListedConnection,
)
"""Those that look in the lists: what was listed later, they can find later."""

DETECTORS: tuple[Callable[[Lists], Detector[Any]], ...] = (
    *LISTED,
    LookAlikeWindow,
    LookAlikeText,
    LookAlikeConnection,
    SelfTested,
)


def all_detectors(lists: Lists) -> tuple[Detector[Any], ...]:
    """Return one of each."""
    return tuple(detector(lists) for detector in DETECTORS)


__all__ = ["DETECTORS", "LISTED", "Detector", "Lists", "all_detectors"]
