"""What Prometheus may know of the notifier."""

import time
from datetime import UTC, datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

from .dispatch import Dispatch
from .standing import Depth


class Figures:
    """Figures by route; how many mailboxes it has does not show."""

    def __init__(self, lanes: list[str]) -> None:
        """Begin at nought, with each route there is."""
        disable_created_metrics()  # one more for each, which nobody asks for
        self.registry = CollectorRegistry()
        self._depths: dict[str, Depth] = {}
        self._messages = self._counter("messages", "Messages that have arrived.")
        self._alerts = self._counter("alerts", "Alerts told by them, repeats too.")
        self._failures = self._counter("failures", "Attempts that did not arrive.")
        self._failing_since: dict[str, float] = {}
        waiting = self._gauge("waiting_alerts", "Alerts that are still to be told.")
        oldest = self._gauge("oldest_seconds", "Age of the oldest of them.")
        failing = self._gauge("failing_seconds", "For how long nothing has arrived that was sent.")
        for route in dict.fromkeys(lane.partition("/")[0] for lane in lanes):
            for counter in (self._messages, self._alerts, self._failures):
                counter.labels(route)
            waiting.labels(route).set_function(partial(self._waiting, route))
            oldest.labels(route).set_function(partial(self._oldest, route))
            failing.labels(route).set_function(partial(self._failing, route))
        self.followed = Gauge(
            "vedette_notify_archive_seen_seconds", "When the archive was last read.", registry=self.registry
        )

    def waits(self, lane: str, depth: Depth) -> None:
        """Take note of what is still to be told in a lane."""
        self._depths[lane] = depth

    def sent(self, lane: str, dispatch: Dispatch) -> None:
        """Count a message that has arrived."""
        self._failing_since.pop(lane, None)
        self._messages.labels(dispatch.route).inc()
        self._alerts.labels(dispatch.route).inc(dispatch.count)

    def failed(self, lane: str) -> None:
        """Count an attempt that did not."""
        self._failing_since.setdefault(lane, time.monotonic())
        self._failures.labels(lane.partition("/")[0]).inc()

    def _counter(self, name: str, words: str) -> Counter:
        return Counter(f"vedette_notify_{name}", words, ["route"], registry=self.registry)

    def _gauge(self, name: str, words: str) -> Gauge:
        return Gauge(f"vedette_notify_{name}", words, ["route"], registry=self.registry)

    def _of(self, route: str) -> list[Depth]:
        return [depth for lane, depth in list(self._depths.items()) if lane.partition("/")[0] == route]

    def _waiting(self, route: str) -> float:
        return sum(depth.alerts for depth in self._of(route))

    def _oldest(self, route: str) -> float:
        times = [depth.oldest for depth in self._of(route) if depth.oldest is not None]
        return max(0.0, (datetime.now(UTC) - min(times)).total_seconds()) if times else 0.0

    def _failing(self, route: str) -> float:
        begun = [
            since for lane, since in list(self._failing_since.items()) if lane.partition("/")[0] == route
        ]
        return time.monotonic() - min(begun) if begun else 0.0
