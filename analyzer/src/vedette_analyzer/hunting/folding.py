"""Many hits of one entry on one host are one thing to tell: how often, first and last."""

from collections.abc import Iterator
from datetime import datetime

from vedette_archive.walking import WalkedPage
from vedette_schemas import Kind, Observation, Origin, Outcome, Severity, Stopped, WindowFocused
from vedette_schemas.alerts import FoundLater

from ..finding import Finding
from .said import Hit

_LEVELS = list(Severity)


class Folds:
    """The hits on one host: one an entry, of `most` entries; the others are counted."""

    def __init__(self, most: int) -> None:
        """Begin with none."""
        self._most = most
        self._hits: dict[str, Hit] = {}
        self._left_out: set[str] = set()

    def add(self, finding: Finding, page: WalkedPage, number: int, seen: Observation) -> None:
        """Take in that something was found in an observation."""
        entry = finding.indicator or finding.detector
        hit = self._hits.get(entry)
        if hit is None and len(self._hits) >= self._most:
            self._left_out.add(entry)
            return
        if hit is None or seen.seen_at >= hit.found.last_seen_at:
            self._hits[entry] = _hit(finding, page, number, seen, hit)
        else:
            self._hits[entry] = hit.model_copy(update=_more(hit, finding, seen.seen_at))

    @property
    def left_out(self) -> int:
        """How many entries were too many."""
        return len(self._left_out)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self._hits.values())


def _hit(finding: Finding, page: WalkedPage, number: int, seen: Observation, before: Hit | None) -> Hit:
    """Return what was found last, with what was found before."""
    hit = Hit(
        host=page.host,
        finding=finding,
        severity=finding.severity,
        origin=Origin(
            principal=page.stream.principal,
            spool=page.stream.spool,
            kind=Kind(seen.kind),
            number=number,
            uid=None if isinstance(seen, Outcome | Stopped) else seen.uid,
            excerpt=seen.title[:300] if isinstance(seen, WindowFocused) else "",
        ),
        found=FoundLater(count=1, first_seen_at=seen.seen_at, last_seen_at=seen.seen_at),
    )
    return hit if before is None else hit.model_copy(update=_more(before, finding, seen.seen_at))


def _more(hit: Hit, finding: Finding, at: datetime) -> dict[str, object]:
    """Return what changes in a hit when there is one more."""
    first, last = min(hit.found.first_seen_at, at), max(hit.found.last_seen_at, at)
    return {
        "severity": max(hit.severity, finding.severity, key=_LEVELS.index),
        "found": FoundLater(count=hit.found.count + 1, first_seen_at=first, last_seen_at=last),
    }
