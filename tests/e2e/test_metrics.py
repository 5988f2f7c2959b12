"""What Prometheus reads of an analyzer that works."""

from pathlib import Path

import pytest
from vedette_schemas import Kind, Principal, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.analyzer.metrics.asking import ask, named
from tests.e2e.product import Product
from tests.faults.running import until

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-9")


def test_prometheus_reads_rates_latencies_and_how_hosts_are(tmp_path: Path) -> None:
    port = brokers.free_port()
    (tmp_path / "settings.toml").write_text(f"[analyzer]\nmetrics = '127.0.0.1:{port}'\n")
    with Product(tmp_path, "--json", "--settings", str(tmp_path / "settings.toml"), plain=True) as product:
        client = brokers.Client(BrokerAddress(port=product.port))
        copied = [messages.clipboard("here is some phrase"), messages.clipboard("nothing of note")]
        report = messages.report(*copied, sender=str(SENSOR))
        client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
        product.await_alert(lambda alert: alert.host == "host-9")
        client.close()

        def counted() -> bool:
            found = ask(port)
            observed = "vedette_observations_total", frozenset({("kind", "clipboard")})
            running = "vedette_programs", frozenset({("life", "running")})
            return (found.get(observed), found.get(running)) == (2, 2)

        until(counted, "they are counted", 20)
        found = ask(port)
        detector = {"severity": "low", "detector": "listed-clipboard"}
        assert named(found, "vedette_alerts_total", **detector) == 1
        assert named(found, "vedette_verdict_seconds_count") == 1
        assert named(found, "vedette_indicators") == 1
        assert named(found, "vedette_archive_up") == 1
        assert named(found, "vedette_archive_waiting_seconds") == 0
