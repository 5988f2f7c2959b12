"""A part of the system in which blocks are put into force: each knows one place, and mends it."""

from typing import Protocol

from .surroundings import Surroundings
from .wanted import Wanted


class ActError(Exception):
    """It could not be put into force; the text is the end of a sentence for the operator."""


class Part(Protocol):
    """One place where blocks stand."""

    name: str

    def ability(self) -> str:
        """Say whether it works here: `on`, or `off: why`."""
        ...

    def apply(self, wanted: Wanted, around: Surroundings) -> None:
        """Make it so, changing nothing else; raise `ActError` where that can't be."""
        ...

    def disturbed(self) -> bool:
        """Tell whether someone else has changed what `apply` left, as far as can be seen cheaply."""
        ...
