"""Text that hosts sent, made visible and harmless: it may try to look like something else."""

import unicodedata
from collections.abc import Iterator

from markupsafe import Markup, escape

from ..lines import PICTURES

MOST = 1_000
"""Characters that are shown of a text, unless a page says otherwise."""

_UNSAFE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
"""Unicode categories that could hide something, turn it around or break a line."""

_MARKS = frozenset({"Mn", "Me"})
_MOST_MARKS = 3
"""Combining marks on one letter, beyond which they would cover the lines above and below."""


def text(value: object, most: int = MOST) -> Markup:
    """Return a text as HTML: nothing in it is markup or invisible, and it turns nothing around it."""
    shown = str(value)
    kept = shown if len(shown) <= most else shown[: most - 1] + "…"
    harmless = kept.isascii() and kept.isprintable()  # most are, and a look at each letter takes its time
    return Markup('<bdi class="text">{}</bdi>').format(kept if harmless else Markup("").join(_pieces(kept)))


def _pieces(kept: str) -> Iterator[Markup]:
    run: list[str] = []
    marks = 0
    for character in kept:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if category not in _UNSAFE and marks <= _MOST_MARKS:
            run.append(character)
            continue
        if run:
            yield escape("".join(run))
            run.clear()
        yield Markup('<span class="odd">{}</span>').format(_symbol(character))
    if run:
        yield escape("".join(run))


def _symbol(character: str) -> str:
    """Return what stands for a character that can't be shown."""
    return PICTURES.get(character) or f"U+{ord(character):04X}"
