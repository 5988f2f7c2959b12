"""Percent-encoding, undone and redone as Safe Browsing does: fully, and in one way."""

import re

_TRIPLET = re.compile(rb"%([0-9a-fA-F]{2})")
_PERCENT = b"%"
_TO_ESCAPE = re.compile(r"[\x00-\x20\x7f-\xff#%\\]")
_TO_ESCAPE_IN_PATH = re.compile(r"[\x00-\x20\x7f-\xff#%\\?]")


def unescape_once(text: str) -> str:
    """Undo one layer of percent-encoding."""
    if "%" not in text:
        return text
    return _TRIPLET.sub(_octet, text.encode("utf-8", "replace")).decode("utf-8", "replace")


def unescape_fully(text: str) -> bytes:
    """Undo percent-encoding until none is left, in one pass however often it was applied."""
    once = _TRIPLET.sub(_octet, text.encode("utf-8", "replace"))
    if _PERCENT not in once:
        return once
    done = bytearray()
    for octet in once:
        done.append(octet)
        # what was just added may complete a triplet, whose octet may complete another
        while (found := _TRIPLET.fullmatch(done[-3:])) is not None:
            done[-3:] = _octet(found)
    return bytes(done)


def normal(text: str, *, is_path: bool) -> str:
    """Return text in its one encoding: nothing encoded but what has to be."""
    if "%" not in text and "\\" not in text:
        return text
    pattern = _TO_ESCAPE_IN_PATH if is_path else _TO_ESCAPE
    return pattern.sub(_escaped, unescape_fully(text).decode("latin-1"))


def _octet(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _escaped(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"
