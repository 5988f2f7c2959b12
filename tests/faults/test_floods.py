"""A flood that waited on its host drains at full speed, within bounds, and holds nothing else up."""

import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.brokers import KINDS
from tests.faults.counting import account, alerts, archived_count, settle
from tests.faults.running import Program, until
from tests.faults.site import PHRASE, Host, Server, Site
from tests.faults.table import Table

pytestmark = [pytest.mark.root, pytest.mark.system, pytest.mark.timeout(180)]
FLOOD = 50_000
_WARM = 2_000
MOST_GROWTH = 20 * 2**20


class Sizes:
    """How much memory programs take: at first, and at most since."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}
        self._most: dict[str, int] = {}
        self._watched: list[Program] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def watch(self, program: Program) -> None:
        """Compare with its size of now."""
        self._first[program.name] = self._most[program.name] = _size(program)
        self._watched.append(program)

    def stop(self) -> dict[str, int]:
        """Return by how many bytes each has grown."""
        self._stopping.set()
        self._thread.join()
        return {name: self._most[name] - first for name, first in self._first.items()}

    def _look(self) -> None:
        while not self._stopping.wait(0.05):
            for program in self._watched:
                self._most[program.name] = max(self._most[program.name], _size(program))


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_drains_at_full_speed_within_bounds_and_holds_nothing_up(
    kind: str, tmp_path: Path, table: Table
) -> None:
    server = Server(tmp_path / "site", kind)
    host = Host(server)
    with Site(server, host) as site:
        host.begin(most=_WARM)
        host.await_all_made()
        until(lambda: archived_count(server) == _WARM, "all is warm")
        server.analyzer.stop()
        sizes = Sizes()
        sizes.watch(server.broker)
        sizes.watch(host.sensor)
        host.begin(rate=50_000, most=FLOOD, options=["--wait", "--windows"])
        host.await_all_made()
        host.begin(options=["--copy", PHRASE])
        server.analyzer.start()
        server.analyzer.await_said("connected to the broker", 2)
        back = time.monotonic()
        sizes.watch(server.analyzer)
        until(lambda: bool(alerts(server, "listed-clipboard")), "the copied text is judged", every=0.02)
        meanwhile = archived_count(server)
        until(lambda: archived_count(server) == _WARM + FLOOD + 1, "the flood has drained")
        took = time.monotonic() - back
        grown = sizes.stop()
        settle(site)
        told = account(site)
        table.add("50,000 waiting while the analyzer was away", kind, told, took)
        told.assert_nothing_lost()
        print({name: f"{size / 2**20:.1f} MiB" for name, size in grown.items()})
        assert meanwhile < _WARM + FLOOD, "the flood held another kind up"
        assert max(grown.values()) < MOST_GROWTH, {name: size // 2**20 for name, size in grown.items()}


def _size(program: Program) -> int:
    return int(psutil.Process(program.pid).memory_info().rss)
