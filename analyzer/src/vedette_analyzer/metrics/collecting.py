"""What Prometheus is told of the analyzer and its hosts."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector
from vedette_archive import ArchiveError
from vedette_archive.gauges import Gauges, read_gauges

from ..inspecting import Inspector
from ..keeping import FOLLOWER
from .meters import Latencies, Meters

MOST_HOSTS = 200
"""Hosts that are named, those that hold or have lost the most; the others are in the sums."""

FRESH_SECONDS = 10.0
"""For so long the archive is not asked again, however many ask us."""


_Found = Iterable[tuple[tuple[str, ...], float]]


class Standing(NamedTuple):
    """What only the analyzer itself knows: how long judged work waits for the archive, what it dropped."""

    waiting_seconds: float
    dropped: int
    entries: int


class AnalyzerCollector(Collector):
    """Answers from what was counted, and from the archive, by a reader of its own."""

    def __init__(
        self, meters: Meters, inspector: Inspector, archive: Path, standing: Callable[[], Standing]
    ) -> None:
        """`standing` may be called from another thread than the analyzer's."""
        self._meters, self._inspector = meters, inspector
        self._archive, self._standing = archive, standing
        self._lock = threading.Lock()
        self._read: tuple[float, Gauges | None] | None = None

    def collect(self) -> Iterator[Metric]:
        """Yield all figures."""
        yield from self._counted()
        yield from self._measured()
        standing = self._standing()
        yield _gauge(
            "archive_waiting_seconds",
            "Since when judged work waits to be archived.",
            standing.waiting_seconds,
        )
        yield _gauge("indicators", "Entries of the lists in force.", standing.entries)
        yield _counter(
            "dropped_messages", "Messages that could not be read or attributed.", [((), standing.dropped)]
        )
        gauges = self._gauges()
        yield _gauge("archive_up", "Whether the archive could be read just now.", int(gauges is not None))
        if gauges is not None:
            yield from _of_archive(gauges)

    def _counted(self) -> Iterator[Metric]:
        meters = self._meters
        kinds = [((kind,), count) for kind, count in meters.observations.copy().items()]
        yield _counter("observations", "Observations archived.", kinds, "kind")
        alerts = meters.alerts.copy().items()
        yield _counter("alerts", "Alerts, each once, when it is final.", alerts, "severity", "detector")
        hidden = meters.hidden.copy().items()
        yield _counter(
            "hidden_alerts", "Alerts that nobody is told: suppressed.", hidden, "severity", "detector"
        )
        commands = [((action,), count) for action, count in meters.commands.copy().items()]
        yield _counter("commands", "Commands ordered.", commands, "action")
        endings = [((ending,), count) for ending, count in meters.endings.copy().items()]
        yield _counter("command_endings", "Commands that have ended.", endings, "ending")
        yield _histogram("verdict_seconds", "From what was seen to its verdict.", meters.verdict)
        yield _histogram("outcome_seconds", "From the verdict to its outcome on the host.", meters.outcome)

    def _measured(self) -> Iterator[Metric]:
        inspector = self._inspector
        took = SummaryMetricFamily(
            "vedette_detector_seconds",
            "How long a detector inspects an observation, in the reports that are measured.",
            labels=["detector"],
        )
        measured = inspector.measured.copy()
        for name, seconds in inspector.seconds.copy().items():
            took.add_metric([name], count_value=measured[name], sum_value=seconds)
        yield took
        faults = [((name,), count) for name, count in inspector.faults.copy().items()]
        yield _counter("detector_faults", "Observations at which a detector failed.", faults, "detector")

    def _gauges(self) -> Gauges | None:
        """Return how the archive stands, as of a few seconds ago at most; `None` where it can't be read."""
        with self._lock:
            now = time.monotonic()
            if self._read is None or now - self._read[0] >= FRESH_SECONDS:
                try:
                    found = read_gauges(self._archive, FOLLOWER, MOST_HOSTS)
                except ArchiveError:
                    found = None
                self._read = now, found
            return self._read[1]


def registry(collector: AnalyzerCollector) -> CollectorRegistry:
    """Return a registry with this and nothing else."""
    found = CollectorRegistry(auto_describe=False)
    found.register(collector)
    return found


def _of_archive(gauges: Gauges) -> Iterator[Metric]:
    lives = [((life,), count) for life, count in gauges.programs.items()]
    yield _labelled("programs", "Hosts' programs, by how they were last heard.", lives, "life")
    held = [((principal,), count) for principal, count in gauges.held]
    yield _labelled(
        "spool_observations", "Observations in a program's spool: the fullest.", held, "principal"
    )
    yield _gauge("spool_observations_sum", "Observations in the spools of all hosts.", gauges.held_by_all)
    lost = [((host, fate), count) for host, fate, count in gauges.lost]
    yield _labelled(
        "lost_observations", "Never archived, of the hosts that lost the most.", lost, "host", "fate"
    )
    sums = [((fate,), count) for fate, count in gauges.lost_by_all.items()]
    yield _labelled("lost_observations_sum", "Never archived, of all hosts.", sums, "fate")
    yield _gauge("suppressions", "What operators have suppressed and is not over.", gauges.suppressions)
    yield _gauge("open_commands", "Commands without an ending.", gauges.open_commands)
    yield _gauge("unpublished_alerts", "Alerts that are archived and not yet published.", gauges.behind)


def _counter(name: str, words: str, found: _Found, *labels: str) -> Metric:
    family = CounterMetricFamily(f"vedette_{name}", words, labels=labels)
    for values, count in found:
        family.add_metric(values, count)
    return family


def _labelled(name: str, words: str, found: _Found, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"vedette_{name}", words, labels=labels)
    for values, count in found:
        family.add_metric(values, count)
    return family


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"vedette_{name}", words, value=value)


def _histogram(name: str, words: str, found: Latencies) -> Metric:
    return HistogramMetricFamily(f"vedette_{name}", words, buckets=found.cumulated, sum_value=found.total)
