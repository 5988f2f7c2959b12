"""What comes on a list after it was seen: found in the archive, told, and nothing else."""

import json
from pathlib import Path

import pytest
from vedette_archive import Reader, Writer
from vedette_schemas import Action, Alert, Block, Mode

from tests import messages
from tests.analyzer.hunting.world import batch
from tests.e2e.acting_site import acting_site
from tests.e2e.product import write_list

pytestmark = pytest.mark.system

OLD, NEW = "host,old.test,block,high,,,,", "host,new.test,block,high,,,,a lure"
MANY = 100_000


def hits(alert: Alert, value: str) -> bool:
    return alert.match is not None and alert.match.value == value


def test_what_is_listed_later_is_told_and_nothing_is_ordered_for_it(tmp_path: Path) -> None:
    with acting_site(tmp_path, Mode.ENFORCE, OLD) as (site, enforcer):
        for text in ("see new.test", "and www.new.test/x", "old.test"):
            site.copy(text)
        site.alert(lambda alert: hits(alert, "old.test"))
        write_list(tmp_path / "list.csv", OLD, NEW)
        told = site.alert(lambda alert: alert.found_later is not None)
        assert (told.host, told.action, told.command_id) == ("host-7", Action.ALERT, None)
        assert told.found_later is not None
        assert told.found_later.count == 2
        assert told.done.startswith("found in the archive: seen 2 times, first at ")
        assert hits(told, "new.test")

        asked = site.vedette("hunt", "new.test", "--json")
        assert (asked.returncode, len(json.loads(asked.stdout))) == (0, 2)
        assert site.vedette("hunt", "never.test").returncode == 1

        site.copy("new.test")
        site.alert(lambda alert: hits(alert, "new.test") and alert.found_later is None)
        for name in ("old.test", "new.test"):
            order = enforcer.taken.get(timeout=10).order
            assert isinstance(order, Block)
            assert name in str(order.target)
        assert enforcer.taken.empty()
        with Reader(site.folder / "archive.db") as reader:
            assert reader.counts().commands == 2


def test_an_analyzer_that_is_killed_in_a_hunt_begins_it_again_and_tells_nothing_under_another_id(
    tmp_path: Path,
) -> None:
    with acting_site(tmp_path, Mode.ENFORCE, OLD) as (site, _):
        site.kill()
        with Writer(site.folder / "archive.db") as writer:
            writer.store(batch([messages.clipboard("new.test", n) for n in range(3)], "host-1"))
            many = (messages.clipboard("new.test" if n % 1_000 == 0 else "nothing") for n in range(MANY))
            writer.store(batch(many, "host-2"))
        write_list(tmp_path / "list.csv", OLD, NEW)
        for _ in range(2):
            site.start()
            assert site.alert(lambda alert: alert.found_later is not None).host == "host-1"
            site.kill()
        site.start()
        last = site.alert(lambda alert: alert.host == "host-2")
        assert last.found_later is not None
        assert last.found_later.count == MANY // 1_000
        told = [alert for alert in site.alerts if alert.found_later is not None]
        assert len({alert.id for alert in told}) == 2
        with Reader(site.folder / "archive.db") as reader:
            kept = [found.alert for found in reader.newest_alerts(1_000)]
        assert sorted(alert.host for alert in kept if alert.found_later is not None) == ["host-1", "host-2"]
