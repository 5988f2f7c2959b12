"""What Prometheus is told: read by its own parser, from a real archive."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from vedette_analyzer.detectors import Detector
from vedette_analyzer.finding import Finding
from vedette_analyzer.inspecting import SAMPLED, Inspector
from vedette_analyzer.keeping import Kept
from vedette_analyzer.metrics import serving
from vedette_analyzer.metrics.collecting import MOST_HOSTS, AnalyzerCollector, Standing, registry
from vedette_analyzer.metrics.meters import BUCKETS, Latencies, Meters
from vedette_analyzer.metrics.serving import MetricsServer
from vedette_analyzer.work import Work
from vedette_archive import Batch, Fate, Head, Hidden, Suppression, SuppressionEnded, Told, Writer
from vedette_archive.gauges import read_gauges
from vedette_schemas import Life, Ranges, SettingsError, State, Stream, Times, WindowFocused
from vedette_transport.settings import Address

from tests import brokers, messages
from tests.analyzer.metrics.asking import Samples, ask, named, samples
from tests.archive import history
from tests.faults.running import until
from tests.messages import NOON, SPOOL, at

ACT = UUID(int=7)
SUPPRESSION = Suppression(ACT, "operator@anna", "our own", at(0), at(60), detector="listed-window")


class Clock:
    """Seconds, a tenth more each time that it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


class Broken(Detector[WindowFocused]):
    name = "broken"
    watches = (WindowFocused,)

    def inspect(self, observation: WindowFocused) -> Iterator[Finding]:
        raise RuntimeError("its words are not logged")
        yield


def collected(folder: Path, meters: Meters | None = None, inspector: Inspector | None = None) -> Samples:
    def standing() -> Standing:
        return Standing(0.5, 3, 12)

    collector = AnalyzerCollector(
        meters or Meters(), inspector or Inspector(), folder / "archive.db", standing
    )
    return samples(generate_latest(registry(collector)).decode())


def times(**changes: Any) -> Times:
    fields: dict[str, Any] = {"seen_at": at(0), "sent_at": at(0), "received_at": at(0), "judged_at": at(0.02)}
    return Times(**(fields | changes))


def test_what_is_archived_is_counted_once(tmp_path: Path) -> None:
    meters = Meters()
    with Writer(tmp_path / "archive.db") as writer:
        pending = history.alert(1, state=State.PENDING, times=times(), command_id=history.command().id)
        ended = times(ended_at=at(0.3))
        final = pending.model_copy(update={"state": State.FINAL, "times": ended})
        first = Work(runs=[history.run(count=10)], alerts=[pending], commands=[history.command()])
        second = Work(runs=[history.run(count=12)], alerts=[final], answers=[history.answer()])
        for work in (first, first, second, second):
            stored = writer.store(
                Batch(
                    runs=tuple(work.runs),
                    alerts=tuple(work.alerts),
                    commands=tuple(work.commands),
                    answers=tuple(work.answers),
                )
            )
            meters.kept(Kept(work, stored, (), Head(0, "")))
    found = collected(tmp_path, meters)
    assert named(found, "vedette_observations_total", kind="window") == 12
    assert named(found, "vedette_alerts_total", severity="high", detector="listed-window") == 1
    assert named(found, "vedette_commands_total", action="terminate") == 1
    assert named(found, "vedette_command_endings_total", ending="done") == 1
    assert named(found, "vedette_verdict_seconds_count") == 1
    assert named(found, "vedette_verdict_seconds_bucket", le="0.025") == 1
    assert named(found, "vedette_verdict_seconds_bucket", le="0.01") == 0
    assert named(found, "vedette_outcome_seconds_sum") == pytest.approx(0.28)
    assert named(found, "vedette_open_commands") == 0
    assert named(found, "vedette_unpublished_alerts") == 2


def test_what_a_suppression_hides_is_counted_once(tmp_path: Path) -> None:
    meters = Meters()
    end = SuppressionEnded(ACT, at(9))
    work = Work(suppressing=[SUPPRESSION, *(Hidden(ACT, history.alert(n)) for n in (1, 2, 1))])
    with Writer(tmp_path / "archive.db") as writer:
        for each in (work, work, Work(alerts=[history.alert(3)])):
            stored = writer.store(each.batch)
            meters.kept(Kept(each, stored, (), Head(0, "")))
        found = collected(tmp_path, meters)
        assert named(found, "vedette_hidden_alerts_total", severity="high", detector="listed-window") == 2
        assert named(found, "vedette_alerts_total", severity="high", detector="listed-window") == 1
        assert named(found, "vedette_suppressions") == 1
        writer.store(Batch(suppressing=(end,)))
    assert named(collected(tmp_path, meters), "vedette_suppressions") == 0


def test_buckets_hold_what_took_no_longer() -> None:
    found = Latencies()
    for seconds in (-5.0, 0.005, 0.0051, 299.0, 301.0):
        found.add(seconds)
    cumulated = dict(found.cumulated)
    assert (cumulated["0.005"], cumulated["0.01"], cumulated["300.0"], cumulated["+Inf"]) == (2, 3, 4, 5)
    assert len(cumulated) == len(BUCKETS) + 1
    assert found.total == pytest.approx(600.0101)


def test_a_detector_that_fails_is_counted_and_one_report_in_so_many_measured(tmp_path: Path) -> None:
    inspector = Inspector(Clock())
    for _ in range(SAMPLED * 2):
        inspector.next_report()
        assert list(inspector.inspect(Broken(), messages.window())) == []
    found = collected(tmp_path, inspector=inspector)
    assert named(found, "vedette_detector_faults_total", detector="broken") == SAMPLED * 2
    assert named(found, "vedette_detector_seconds_count", detector="broken") == 2
    assert named(found, "vedette_detector_seconds_sum", detector="broken") == pytest.approx(0.2)


def test_spools_and_losses_are_named_for_the_worst_hosts_and_summed_for_all(tmp_path: Path) -> None:
    with Writer(tmp_path / "archive.db") as writer, writer.transaction() as books:
        for n in range(MOST_HOSTS + 50):
            told = Told("0.1.0", {"window": "on"}, held=n)
            books.heard(f"sensor@host-{n}", Life.RUNNING, NOON, told)
            stream = Stream(f"sensor@host-{n}", SPOOL, "window")
            books.declare(stream, Fate.DROPPED, Ranges.span(1, n + 1))
    found = collected(tmp_path)
    held = [labels for name, labels in found if name == "vedette_spool_observations"]
    lost = [labels for name, labels in found if name == "vedette_lost_observations"]
    assert len(held) == len(lost) == MOST_HOSTS
    worst = MOST_HOSTS + 49
    assert named(found, "vedette_spool_observations", principal=f"sensor@host-{worst}") == worst
    assert named(found, "vedette_spool_observations_sum") == sum(range(MOST_HOSTS + 50))
    assert named(found, "vedette_lost_observations_sum", fate="dropped") == sum(range(1, MOST_HOSTS + 51))
    assert named(found, "vedette_programs", life="running") == MOST_HOSTS + 50


def test_without_an_archive_the_rest_is_told(tmp_path: Path) -> None:
    found = collected(tmp_path)
    assert named(found, "vedette_archive_up") == 0
    assert named(found, "vedette_indicators") == 12
    assert named(found, "vedette_dropped_messages_total") == 3
    assert named(found, "vedette_archive_waiting_seconds") == 0.5


def test_an_archive_is_asked_once_in_ten_seconds(tmp_path: Path) -> None:
    collector = AnalyzerCollector(Meters(), Inspector(), tmp_path / "archive.db", lambda: Standing(0.0, 0, 0))
    assert b"vedette_archive_up 0.0" in generate_latest(registry(collector))
    Writer(tmp_path / "archive.db").close()
    assert read_gauges(tmp_path / "archive.db", "mqtt", 1).open_commands == 0
    assert b"vedette_archive_up 0.0" in generate_latest(registry(collector))


def test_it_answers_whoever_else_is_slow_and_nothing_but_metrics(tmp_path: Path) -> None:
    address = Address(host="127.0.0.1", port=brokers.free_port())
    collector = AnalyzerCollector(Meters(), Inspector(), tmp_path / "archive.db", lambda: Standing(0.0, 0, 0))
    with MetricsServer(address, registry(collector)):
        with socket.create_connection((address.host, address.port)) as slow:
            slow.sendall(b"GET /metrics HTTP/1.1\r\n")
            assert named(ask(address.port), "vedette_indicators") == 0
        for path, method in (("/", "GET"), ("/metrics", "POST"), ("/metrics/../etc/passwd", "GET")):
            asked = Request(f"http://127.0.0.1:{address.port}{path}", method=method)
            with pytest.raises(HTTPError) as caught:
                urlopen(asked, timeout=10)
            caught.value.close()
            assert caught.value.code == 404


def test_who_asks_a_byte_at_a_time_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_PATIENCE", 0.5)
    address = Address(host="127.0.0.1", port=brokers.free_port())
    with (
        MetricsServer(address, CollectorRegistry()),
        socket.create_connection((address.host, address.port)) as slow,
    ):
        slow.settimeout(0.05)
        until(lambda: is_hung_up(slow), "it hangs up", 20)
        assert ask(address.port) == {}


def is_hung_up(slow: socket.socket) -> bool:
    """Send another byte; tell whether the other end has gone."""
    try:
        slow.sendall(b"G")
        return slow.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_an_address_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address(host="127.0.0.1", port=taken.getsockname()[1])
        with pytest.raises(SettingsError, match=r"metrics: 127.0.0.1:\d+: can't listen there: Address"):
            MetricsServer(address, CollectorRegistry())
