"""Where a URL in running text ends: brackets, quotes and punctuation around it are not its own."""

import re

_PAIRS = {")": "(", "]": "[", "}": "{", "\u300d": "\u300c", "\uff09": "\uff08", "\u3011": "\u3010"}
_OPENING = frozenset(_PAIRS.values())
_BRACKET = re.compile("[" + re.escape("".join((*_PAIRS, *_PAIRS.values()))) + "]")
_PUNCTUATION = ".,:;!?'\"*\u2026\u3002\uff01\uff1f\uff0e\u201d\u2019\u00bb"


def trimmed(text: str, start: int, end: int) -> str:
    """Return `text[start:end]` up to the bracket or quote that was opened before it, less punctuation."""
    written = text[start:end]
    if start > 0 and text[start - 1] == "'":
        written = written.partition("'")[0]
    return written[: _unopened(written)].rstrip(_PUNCTUATION)


def _unopened(written: str) -> int:
    """Return the place of the first closing bracket that nothing opened."""
    opened: list[str] = []
    for found in _BRACKET.finditer(written):
        bracket = found[0]
        if bracket in _OPENING:
            opened.append(bracket)
        elif opened and opened[-1] == _PAIRS[bracket]:
            opened.pop()
        elif _PAIRS[bracket] not in opened[-8:]:
            return found.start()
    return len(written)
