"""What judging would have found in an observation if some entries had been listed when it was seen."""

from collections.abc import Callable
from typing import Any

from vedette_indicators import Indicator, IndicatorTable
from vedette_indicators.observed import hits
from vedette_schemas import Observation

from ..detectors import LISTED, Detector, Lists
from ..finding import Finding


class Search:
    """Looks for new entries, by what the detectors say of all entries.

    All but nothing is on the table of the new ones; what is there is looked up among all again, since
    another entry may allow it.
    """

    def __init__(
        self, new: IndicatorTable, everything: IndicatorTable, is_new: Callable[[Indicator], bool]
    ) -> None:
        """Look for what `is_new` of `everything`; `new` holds that, and may hold more."""
        self._new, self._is_new = new, is_new
        self._watching: dict[type[Observation], list[Detector[Any]]] = {}
        for detector in (made(Lists(everything)) for made in LISTED):
            for kind in detector.watches:
                self._watching.setdefault(kind, []).append(detector)

    def findings(self, observation: Observation) -> list[Finding]:
        """Return what is found of the new entries, one finding an entry and place."""
        if next(hits(self._new, observation), None) is None:
            return []
        found: dict[str, Finding] = {}
        for detector in self._watching.get(type(observation), ()):
            for finding in detector.inspect(observation):
                if finding.match is not None and self._is_new(finding.match.indicator):
                    found.setdefault(finding.key, finding)
        return list(found.values())
