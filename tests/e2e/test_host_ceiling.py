"""A host that wants an operator, in the whole product: nothing is done without one, and with one it is."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from vedette_schemas import Alert, Kind, Principal, State, encode, topics
from vedette_transport import BrokerAddress

from tests import brokers, messages
from tests.e2e.product import Product
from tests.enforcer import inside
from tests.enforcer.inside import OTHERS

pytestmark = pytest.mark.system
SENSOR = Principal.parse("sensor@host-7")


def vedette(product: Product, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vedette_console", *words, "--folder", str(product.folder / "run")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def said(product: Product, *words: str) -> str:
    found = vedette(product, *words)
    assert found.returncode == 0, found.stderr
    return found.stdout


def copy(product: Product, text: str, number: int) -> None:
    now = datetime.now(UTC)
    item = messages.clipboard(text, seen_at=now)
    report = messages.report(item, sender=str(SENSOR), first=number, sent_at=now)
    client = brokers.Client(BrokerAddress(port=product.port))
    client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
    client.close()


def about(action: str, state: State = State.FINAL) -> Callable[[Alert], bool]:
    return lambda alert: (alert.action, alert.state) == (action, state)


def test_what_an_operator_approves_or_orders_is_done_and_what_the_host_releases_is_told(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not inside.IS:
        inside.run(request.node.nodeid)
        return
    own = tmp_path / "own.toml"
    own.write_text('[enforcer]\nmode = "approve"\n')
    options = ("--json", "--mode", "enforce", "--settings", str(own))
    row = f"ip,{OTHERS[0]},block,high,,,,"
    with inside.world(tmp_path) as world, Product(tmp_path, *options, rows=(row,), plain=True) as product:
        copy(product, f"see {OTHERS[0]}", 1)
        waiting = product.await_alert(about("block", State.PENDING))
        assert waiting.done.startswith("waits for approval")
        assert world.reaches(OTHERS[0])

        name = str(waiting.command_id)
        assert f"blocked {OTHERS[0]} until " in said(product, "approve", name[:8])
        assert not world.reaches(OTHERS[0], seconds=0.5)
        again = vedette(product, "approve", name[:8])
        assert "operator@" in again.stderr
        assert "has approved it already" in again.stderr

        assert "isolated from all but the broker" in said(product, "isolate", "host-7", "--for", "1m")
        assert not world.reaches(OTHERS[1], seconds=0.5)

        settings = str(tmp_path / "run" / "enforcer.toml")
        release = [sys.executable, "-m", "vedette_enforcer", "release", "--all", "--settings", settings]
        assert subprocess.run(release, timeout=60, check=False, capture_output=True).returncode == 0
        told = {product.await_alert(about("undo")).summary for _ in range(2)}
        assert all(re.search("was released at the host's own console at 20", each) for each in told), told
        assert json.loads(said(product, "actions", "--json")) == []
        assert world.reaches(OTHERS[0])

        copy(product, f"see {OTHERS[0]}", 2)
        muted = product.await_alert(about("block"))
        assert "since the console of host-7 undid it" in muted.done
