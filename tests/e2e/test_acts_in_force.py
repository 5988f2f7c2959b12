"""The whole product in namespaces of its own: what a list and an operator order is in force, and undone."""

import json
import re
import shlex
import subprocess
import sys
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


def asked(product: Product, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vedette_console", *words, "--folder", str(product.folder / "run")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def vedette(product: Product, *words: str) -> str:
    found = asked(product, *words)
    assert found.returncode == 0, found.stderr
    return found.stdout


def copy(product: Product, text: str) -> None:
    now = datetime.now(UTC)
    report = messages.report(messages.clipboard(text, seen_at=now), sender=str(SENSOR), sent_at=now)
    client = brokers.Client(BrokerAddress(port=product.port))
    client.publish(topics.report(SENSOR, Kind.CLIPBOARD), encode(report))
    client.close()


def final(alert: Alert) -> bool:
    return alert.state is State.FINAL


def test_a_block_and_an_isolation_are_in_force_until_they_are_undone(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not inside.IS:
        inside.run(request.node.nodeid)
        return
    row = f"ip,{OTHERS[0]},block,high,,,,"
    with inside.world(tmp_path) as world, Product(tmp_path, "--json", rows=(row,), plain=True) as product:
        assert world.reaches(OTHERS[0])
        copy(product, f"see {OTHERS[0]}")
        blocked = product.await_alert(lambda alert: final(alert) and alert.action == "block")
        assert blocked.done.startswith(f"blocked {OTHERS[0]} until ")
        assert not world.reaches(OTHERS[0], seconds=0.5)
        assert world.reaches(OTHERS[1])

        (line,) = json.loads(vedette(product, "actions", "--json"))
        vedette(product, "undo", line["id"][:8])
        undone = product.await_alert(lambda alert: final(alert) and alert.detector == "act")
        assert "is undone" in undone.done
        assert world.reaches(OTHERS[0])

        told = json.loads(vedette(product, "isolate", "host-7", "--for", "1m", "--json"))
        assert told["words"].startswith("host-7: isolated from all but the broker until ")
        assert not world.reaches(OTHERS[1], seconds=0.5)
        vedette(product, "undo", told["command_id"])
        product.await_alert(lambda alert: final(alert) and "the isolation" in alert.done)
        assert world.reaches(OTHERS[1])

        refused = asked(product, "block", "host-7", "127.0.0.1")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("vedette: refused by host-7: not blocked: ")
        assert json.loads(vedette(product, "actions", "--json")) == []


def test_what_stays_in_force_is_said_at_the_end_and_at_the_next_start(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not inside.IS:
        inside.run(request.node.nodeid)
        return
    with inside.world(tmp_path) as world:
        with Product(tmp_path) as product:
            assert not [line for line in product.lines if line.startswith("  in force")]
            vedette(product, "block", "host-7", OTHERS[0])
            vedette(product, "isolate", "host-7")
        parting = "".join(product.lines).partition("stays in force on this host:\n")[2]
        assert f"  block {OTHERS[0]} until " in parting
        assert "  isolate the host until " in parting

        with Product(tmp_path) as again:
            assert "1 block" in again.await_line(lambda line: line.startswith("  in force"))
        assert not world.reaches(OTHERS[0], seconds=0.5)

        (release,) = re.findall("to release all now: (.*)", parting)
        assert subprocess.run(shlex.split(release), timeout=60, check=False).returncode == 0
        assert world.reaches(OTHERS[0])
        with Product(tmp_path) as clean:
            pass
        assert "in force" not in "".join(clean.lines)
