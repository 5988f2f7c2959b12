"""What `vedette selftest` has handed over: told, whatever the mode is, and never more than that."""

from collections.abc import Iterator
from typing import Any

from vedette_schemas import ClipboardCopied, Severity, WindowFocused, is_selftest

from ..finding import Finding
from .detector import Detector
from .lists import Lists


class SelfTested(Detector[Any]):
    """Knows the text of a self-test: anybody may show one, so it says nothing of who did."""

    name = "selftest"
    watches = (WindowFocused, ClipboardCopied)
    most_a_minute = 20
    suppressible = False

    def __init__(self, lists: Lists) -> None:
        """Look in no list."""

    def inspect(self, observation: WindowFocused | ClipboardCopied) -> Iterator[Finding]:
        """Yield a finding that only alerts; the text is no secret of a user's, so it is told."""
        text = observation.title if isinstance(observation, WindowFocused) else observation.text
        if is_selftest(text):
            yield Finding(self.name, Severity.INFO, f"a self-test ({observation.kind}): {text}")
