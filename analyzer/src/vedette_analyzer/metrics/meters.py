"""What is counted while the analyzer judges: cheap to count, and read by who asks, at any time."""

from bisect import bisect_left
from collections import Counter

from vedette_archive import Hidden
from vedette_schemas import Alert, State

from ..keeping import Kept

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds, each a bucket's upper end; beyond the last is one more."""


class Latencies:
    """How often something took how long."""

    def __init__(self) -> None:
        """Begin with none."""
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one; a clock that went wrong makes it none at all, not less."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds

    @property
    def cumulated(self) -> list[tuple[str, int]]:
        """Each bucket's upper end, and how many took no longer."""
        counts, found, so_far = list(self.counts), list[tuple[str, int]](), 0
        for end, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            so_far += count
            found.append((end, so_far))
        return found


class Meters:
    """Counts what is archived: what is judged again after a crash counts once."""

    def __init__(self) -> None:
        """Begin at nought."""
        self.observations = Counter[str]()
        self.alerts = Counter[tuple[str, str]]()
        self.hidden = Counter[tuple[str, str]]()
        self.commands = Counter[str]()
        self.endings = Counter[str]()
        self.verdict, self.outcome = Latencies(), Latencies()

    def kept(self, kept: Kept) -> None:
        """Count what of this was new."""
        work, stored = kept.work, kept.stored
        for stream, numbers in stored.numbers.items():
            self.observations[stream.kind] += len(numbers)
        if stored.alerts:
            new = set(stored.alerts)
            for alert in work.alerts:
                if alert.id in new:
                    self._told(alert)
        if stored.hidden:
            alerts = {each.alert.id: each.alert for each in work.suppressing if isinstance(each, Hidden)}
            self.hidden.update((alerts[name].severity, alerts[name].detector) for name in stored.hidden)
        if stored.commands:
            opened = set(stored.commands)
            self.commands.update(str(each.order.action) for each in work.commands if each.id in opened)
        if stored.answers:
            answered = set(stored.answers)
            self.endings.update(str(each.ending) for each in work.answers if each.command_id in answered)

    def _told(self, alert: Alert) -> None:
        times, is_final = alert.times, alert.state is State.FINAL
        if is_final:
            self.alerts[alert.severity, alert.detector] += 1
        if times is None:
            return
        if not is_final or alert.command_id is None:  # of those with a command, once
            self.verdict.add((times.judged_at - times.seen_at).total_seconds())
        if is_final and times.ended_at is not None and times.approved_at is None:
            self.outcome.add((times.ended_at - times.judged_at).total_seconds())
