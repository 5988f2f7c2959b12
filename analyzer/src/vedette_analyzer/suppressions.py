"""What operators have suppressed: the one place that decides whether a finding is told and acted upon."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from uuid import UUID

from vedette_archive import ArchivedSuppression, Suppression, SuppressionEnded

from .finding import Finding

MAX_SUPPRESSIONS = 1_000

_Scope = tuple[str | None, str | None, str | None]


class Suppressions:
    """The suppressions in force: one a scope, bounded in number. Times are the server's.

    Findings of `detectors` alone can be suppressed. What tells of Vedette itself is found by none of them.
    """

    def __init__(self, detectors: Iterable[str]) -> None:
        """Begin with nothing suppressed."""
        self.detectors = frozenset(detectors)
        self._in_force: dict[_Scope, Suppression] = {}
        self._has_moved = False

    def __len__(self) -> int:
        return len(self._in_force)

    def hiding(self, finding: Finding, host: str, now: datetime) -> Suppression | None:
        """Return what hides a finding about a host, or `None`: then it is told and acted upon."""
        if finding.detector not in self.detectors:
            return None
        for scope in product((host, None), (finding.detector, None), (finding.indicator, None)):
            found = self._in_force.get(scope)
            if found is not None and found.until > now:
                return found
        return None

    def restore(self, suppressions: Iterable[ArchivedSuppression]) -> None:
        """Take up what an analyzer before this one had in force; what is over by now is then ended."""
        for suppression in suppressions:
            self.begin(suppression.begun)

    def has_room(self, suppression: Suppression) -> bool:
        """Tell whether one more can be begun."""
        return len(self._in_force) < MAX_SUPPRESSIONS or _scope(suppression) in self._in_force

    def begin(self, suppression: Suppression) -> Suppression | None:
        """Put a suppression into force; return the one of the same scope whose place it takes."""
        before = self._in_force.get(_scope(suppression))
        self._in_force[_scope(suppression)] = suppression
        return before

    def end(self, name: UUID, now: datetime) -> Suppression | None:
        """End a suppression before its time and return it; `None` where it is not in force."""
        held = self._in_force.values()
        found = next((each for each in held if each.id == name and each.until > now), None)
        return None if found is None else self._in_force.pop(_scope(found))

    def tick(self, now: datetime) -> Iterator[Suppression | SuppressionEnded]:
        """End what is over; yield what the archive has to know: which those are, and new times."""
        for over in [each for each in self._in_force.values() if each.until <= now]:
            del self._in_force[_scope(over)]
            yield SuppressionEnded(over.id, now)
        if self._has_moved:
            self._has_moved = False
            yield from self._in_force.values()

    def clock_moved(self, by: timedelta) -> None:
        """Let each last as long as it would have if the server's clock had not been set."""
        for scope, each in self._in_force.items():
            self._in_force[scope] = replace(each, since=each.since + by, until=each.until + by)
        self._has_moved = True


def _scope(suppression: Suppression) -> _Scope:
    return suppression.host, suppression.detector, suppression.indicator
