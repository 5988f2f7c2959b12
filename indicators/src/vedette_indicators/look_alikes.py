"""Host names that are easily taken for another (the skeletons of Unicode's UTS #39)."""

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .hosts import names_above

_ENCODED = "xn--"


class LookAlikes:
    """Tells which of an operator's own names a host is easily taken for. It is no entry of a list."""

    def __init__(self, protected: Iterable[str]) -> None:
        """Protect these names, in canonical form, and all below them."""
        self._protected = frozenset(protected)
        self._skeletons = {skeleton(name): name for name in sorted(self._protected, reverse=True)}

    def __len__(self) -> int:
        return len(self._protected)

    def of(self, host: str) -> str | None:
        """Return the protected name that a host in canonical form, or one above it, looks like."""
        if not self._skeletons:
            return None
        for shape in names_above(skeleton(host)):
            looks_like = self._skeletons.get(shape)
            if looks_like is not None:
                return None if self._protected.intersection(names_above(host)) else looks_like
        return None


def skeleton(host: str) -> str:
    """Return what two hosts have in common that look alike; it is no name itself."""
    if _ENCODED in host:
        host = ".".join(_decoded(label) for label in host.split("."))
    if not host.isascii():
        host = unicodedata.normalize("NFD", host)
    return host.translate(_confusables())


def _decoded(label: str) -> str:
    if not label.startswith(_ENCODED):
        return label
    try:
        return label[len(_ENCODED) :].encode().decode("punycode")
    except UnicodeError:
        return label


@cache
def _confusables() -> dict[int, str]:
    lines = Path(__file__).with_name("confusables.txt").read_text("ascii").splitlines()
    found: dict[int, str] = {}
    for line in lines:
        if not line.startswith("#"):
            code, *taken_for = (int(word, 16) for word in line.split())
            found[code] = "".join(map(chr, taken_for))
    return found
