"""Has detectors inspect observations: a fault of one blinds no other, and is counted."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from vedette_schemas import Observation

from .detectors import Detector
from .faults import trace
from .finding import Finding

log = logging.getLogger(__name__)

SAMPLED = 64
"""Of so many reports one is measured: all of them would cost judging some percent."""

Inspect = Callable[[Detector[Any], Observation], Iterator[Finding]]


class Inspector:
    """Counts the faults of detectors, and measures by `clock`, in seconds, how long they take.

    Without a clock nothing is measured.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        """Begin with none."""
        self.clock = clock
        self._reports = 0
        self.inspect: Inspect = self._guarded
        """Yields what a detector finds in an observation."""
        self.faults = Counter[str]()
        self.seconds: dict[str, float] = {}
        self.measured = Counter[str]()

    def next_report(self) -> None:
        """Begin with another report: it is measured, or not."""
        self._reports += 1
        is_measured = self.clock is not None and self._reports % SAMPLED == 0
        self.inspect = self._timed if is_measured else self._guarded

    def _guarded(self, detector: Detector[Any], observation: Observation) -> Iterator[Finding]:
        try:
            yield from detector.inspect(observation)
        except Exception as error:  # noqa: BLE001
            self.faults[detector.name] += 1
            # no log.exception: an error's words may repeat what a host sent
            log.error("detector %s failed on a %s: %s", detector.name, observation.kind, trace(error))  # noqa: TRY400

    def _timed(self, detector: Detector[Any], observation: Observation) -> Iterator[Finding]:
        assert self.clock is not None  # noqa: S101 (else this is not called)
        began = self.clock()
        found = list(self._guarded(detector, observation))
        self.seconds[detector.name] = self.seconds.get(detector.name, 0.0) + self.clock() - began
        self.measured[detector.name] += 1
        return iter(found)
