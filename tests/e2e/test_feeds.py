"""A feed, from its source to the alert and back to the operator."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from vedette_schemas import Kind, Principal, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.analyzer.feeds.test_feed import hosts
from tests.analyzer.feeds.test_program import until
from tests.e2e.product import Product

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-9")


def vedette(product: Product, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vedette_console", "feeds", *words]
    folder = ["--folder", str(product.folder / "run")]
    return subprocess.run([*command, *folder], capture_output=True, text=True, check=False, timeout=60)


def copied(product: Product, text: str, number: int) -> None:
    report = messages.report(messages.clipboard(text), sender=str(SENSOR), first=number)
    client = brokers.Client(BrokerAddress(port=product.port))
    client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
    client.close()


def in_force(product: Product, count: int) -> bool:
    return f"{count} indicators in force" in (product.folder / "run" / "log" / "analyzer.log").read_text()


def test_a_hit_names_the_feed_and_its_line_and_what_shrinks_waits_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "lures.txt").write_text("# a comment\n" + hosts(10))
    (tmp_path / "feeds.toml").write_text("[feed.lures]\nsource = 'lures.txt'\nformat = 'hosts'\n")
    (tmp_path / "settings.toml").write_text("[analyzer]\nfeeds = 'feeds.toml'\n")
    with Product(tmp_path, "--json", "--settings", str(tmp_path / "settings.toml"), plain=True) as product:
        until(lambda: in_force(product, 11))
        copied(product, "http://evil3.test/x", 1)
        match = product.await_alert(lambda alert: alert.match is not None).match
        assert match is not None
        assert (match.list, match.comment) == ("lures.csv", "line 5")

        (tmp_path / "lures.txt").write_text(hosts(2))
        held = product.await_alert(lambda alert: alert.detector == "feed").summary
        assert "the 10 old entries stay in force: 2 entries where there were 10" in held
        (shown,) = json.loads(vedette(product, "--json").stdout)
        assert (shown["entries"], shown["held"]["entries"], shown["hits"]) == (10, 2, 1)

        taken = vedette(product, "accept", "lures")
        assert (taken.returncode, taken.stdout) == (0, "lures: 2 entries in force\n")
        until(lambda: in_force(product, 3))
