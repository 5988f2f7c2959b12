"""A network that is slow and breaks."""

import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import brokers
from tests.brokers import KINDS
from tests.faults.counting import account, settle
from tests.faults.running import Program
from tests.faults.site import Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system]


@pytest.mark.timeout(180)
def test_a_slow_line_that_breaks_every_few_seconds(
    tmp_path: Path, moments: random.Random, table: Table
) -> None:
    """Both kinds of broker at once, each with its own programs."""
    with ExitStack() as stack:
        sites = [_behind_a_bad_line(tmp_path / kind, kind, moments, stack) for kind in KINDS]
        for site in sites:
            site.host.begin(rate=200, prey=2.0)
        time.sleep(30.0)
        for site in sites:
            site.host.end()
        for site in sites:
            seconds = settle(site)
            told = account(site)
            table.add("200 ms away, cut every 3 s", site.server.kind, told, seconds)
            told.assert_nothing_lost()
            assert site.host.living_prey() == []


def _behind_a_bad_line(folder: Path, kind: str, moments: random.Random, stack: ExitStack) -> Site:
    server = Server(folder, kind)
    port = brokers.free_port()
    numbers = [str(number) for number in (port, server.port, 0.2, 3.0, moments.randrange(2**32))]
    script = str(Path(__file__).with_name("proxy.py"))
    proxy = Program("proxy", [sys.executable, script, *numbers], server.folder)
    stack.callback(proxy.stop)
    proxy.start()
    return stack.enter_context(Site(server, Host(server, broker_address=("127.0.0.1", port))))
