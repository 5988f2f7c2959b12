"""What operators edit counts without a restart: what is guarded and protected, and which feeds there are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_schemas import Action, Kind, Principal, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.analyzer.feeds.test_feed import hosts
from tests.analyzer.feeds.test_program import until
from tests.e2e.product import Product

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-9")
FEED = "[feed.{0}]\nsource = '{0}.txt'\nformat = 'hosts'\n"
SETTINGS = "[analyzer]\nguard = ['guard.txt']\nprotect = 'protect.txt'\nfeeds = 'feeds.toml'\n"


class Edited:
    """A product and the files that its operator edits."""

    def __init__(self, product: Product) -> None:
        self.product, self.folder, self._number = product, product.folder, 0

    def copied(self, text: str) -> None:
        self._number += 1
        now = datetime.now(UTC)
        item = messages.clipboard(text, seen_at=now)
        report = messages.report(item, sender=str(SENSOR), first=self._number, sent_at=now)
        client = brokers.Client(BrokerAddress(port=self.product.port))
        client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
        client.close()

    def logged(self, words: str) -> None:
        """Wait until the analyzer says so."""
        log = self.folder / "run" / "log" / "analyzer.log"
        until(lambda: words in log.read_text())


def test_guard_protect_and_feeds_are_taken_up_and_what_is_broken_keeps_what_was_in_force(
    tmp_path: Path,
) -> None:
    (tmp_path / "guard.txt").write_text("school.example\n")
    (tmp_path / "protect.txt").write_text("bank.example\n")
    (tmp_path / "one.txt").write_text(hosts(10))
    (tmp_path / "two.txt").write_text("127.0.0.1 lure.test\n127.0.0.1 trap.test\n")
    (tmp_path / "feeds.toml").write_text(FEED.format("one"))
    (tmp_path / "settings.toml").write_text(SETTINGS)
    options = "--json", "--settings", str(tmp_path / "settings.toml")
    with Product(tmp_path, *options, rows=("host,evil.test,block,high,,,,",), plain=True) as product:
        site = Edited(product)
        site.copied("evil.test")
        first = product.await_alert(lambda alert: alert.match is not None)
        assert first.action is Action.BLOCK

        (tmp_path / "guard.txt").write_text("school.example\nevil.test\n")
        site.logged("2 names guarded, 1 protected")
        site.copied("evil.test/again")
        guarded = product.await_alert(lambda alert: alert.match is not None and alert.origin != first.origin)
        assert (guarded.action, "too common" in guarded.done) == (Action.ALERT, True)

        (tmp_path / "guard.txt").write_text("{")
        broken = product.await_alert(lambda alert: alert.detector == "list")
        assert broken.summary.startswith("the old entries of guard.txt stay in force: ")

        (tmp_path / "protect.txt").write_text("bank.example\nmarket.example\n")
        site.logged("2 names guarded, 2 protected")
        site.copied("evil.test, rnarket.example")
        assert product.await_alert(lambda alert: alert.detector == "look-alike-text").summary.startswith("rn")

        (tmp_path / "feeds.toml").write_text("[feed.")
        assert (
            "feeds go on as they are" in product.await_alert(lambda alert: alert.detector == "feed").summary
        )
        (tmp_path / "feeds.toml").write_text(FEED.format("two"))
        site.logged("3 indicators in force")
        site.copied("lure.test")
        hit = product.await_alert(lambda alert: alert.match is not None and alert.match.list == "two.csv")
        assert hit.found_later is None
