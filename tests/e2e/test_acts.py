"""Approve, undo, isolate and block from the command line, against the real analyzer and its archive."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from vedette_archive import Reader, check
from vedette_schemas import (
    Act,
    ActAnswer,
    Alert,
    Approve,
    Block,
    Direct,
    Isolate,
    Kind,
    Mode,
    OutcomeStatus,
    Principal,
    State,
    Undo,
    decode_answer,
    encode,
    topics,
)
from vedette_transport import BrokerAddress
from vedette_transport.identity import Identity

from tests import brokers, messages
from tests.authority import make_ca
from tests.e2e.acting_site import ActingSite, FakeEnforcer, acting_site
from tests.e2e.product import Product

pytestmark = pytest.mark.system

ROWS = ("host,evil.test,block,high,,,,", "host,worse.test,block,high,,,,")
Both = tuple[ActingSite, FakeEnforcer]


@pytest.fixture
def enforcing(tmp_path: Path) -> Iterator[Both]:
    with acting_site(tmp_path, Mode.ENFORCE, *ROWS) as both:
        yield both
    assert check(tmp_path / "run" / "archive.db") == []


@pytest.fixture
def approving(tmp_path: Path) -> Iterator[Both]:
    with acting_site(tmp_path, Mode.APPROVE, *ROWS) as both:
        yield both
    assert check(tmp_path / "run" / "archive.db") == []


def listed(site: ActingSite, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(site.vedette("actions", "--json", *options).stdout)
    return found


def from_a_list(alert: Alert) -> bool:
    return alert.detector == "listed-clipboard"


def said(found: "subprocess.CompletedProcess[str]") -> str:
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_a_block_of_a_list_is_ordered_listed_and_undone(enforcing: Both) -> None:
    site, enforcer = enforcing
    site.copy("http://evil.test/")
    final = site.alert(lambda alert: from_a_list(alert) and alert.state is State.FINAL)
    assert final.done == "block is done"
    (line,) = listed(site)
    assert line["state"].startswith("in force, 23 h left")
    header, first, *_ = said(site.vedette("actions")).splitlines()
    assert header.startswith("times are in ")
    assert first.rstrip() == f"{line['id'][:8]}  host-7  block evil.test"

    words = said(site.vedette("undo", first.split()[0]))
    assert words == "host-7: undo is done\n"
    block, undo = enforcer.taken.get(timeout=5), enforcer.taken.get(timeout=5)
    assert isinstance(block.order, Block)
    assert undo.order == Undo(command_id=block.id)
    undone = site.alert(lambda alert: alert.detector == "act" and alert.state is State.FINAL)
    assert "undoes what was ordered on host-7: block evil.test" in undone.summary
    assert listed(site) == []
    assert [each["state"].partition(" by ")[0] for each in listed(site, "--all")] == ["done", "undone"]

    site.kill()
    site.start()
    time.sleep(1.5)
    site.copy("http://evil.test/ again")
    muted = site.alert(from_a_list)
    assert muted.done.startswith("alerted: no more than that until")
    again = site.vedette("undo", line["id"])
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.endswith("has undone it already\n")


def test_what_waits_is_approved_after_a_restart_and_something_else_is_withdrawn(approving: Both) -> None:
    site, enforcer = approving
    site.copy("http://evil.test/")
    waiting = site.alert(from_a_list)
    assert waiting.state is State.PENDING
    name = str(waiting.command_id)[:8]
    assert f"vedette approve {name}" in waiting.done
    site.copy("http://worse.test/")
    other = site.alert(from_a_list)
    assert "waits for approval" in said(site.vedette("actions"))
    assert enforcer.taken.empty()

    site.kill()
    site.start()
    time.sleep(1.5)
    assert said(site.vedette("approve", name)).startswith("host-7: block is done (approved by operator@")
    assert enforcer.taken.get(timeout=5).id == waiting.command_id
    final = site.alert(lambda alert: alert.id == waiting.id and alert.state is State.FINAL)
    assert final.done.startswith("block is done (approved by operator@")

    assert said(site.vedette("undo", str(other.command_id))) == "host-7: will not block worse.test\n"
    assert site.alert(lambda alert: alert.id == other.id and alert.state is State.FINAL)
    assert [line["order"]["target"]["name"] for line in listed(site)] == ["evil.test"]
    for _ in range(2):
        twice = site.vedette("approve", name)
        assert (twice.returncode, twice.stdout) == (1, "")
        assert twice.stderr.endswith("has ended: done\n")
    withdrawn = site.vedette("approve", str(other.command_id))
    assert (withdrawn.returncode, withdrawn.stderr.count("\n")) == (1, 1)
    assert withdrawn.stderr.endswith("has undone it already\n")


def test_a_host_is_isolated_and_something_blocked_by_hand(enforcing: Both) -> None:
    site, enforcer = enforcing
    words, how = said(site.vedette("isolate", "host-7", "--for", "2h")).splitlines()
    assert words == "host-7: isolate is done"
    assert how.startswith("to end it sooner: vedette undo ")
    assert enforcer.taken.get(timeout=5).order == Isolate(
        ttl_seconds=7_200, why="an operator has isolated this host"
    )
    assert said(site.vedette("block", "host-7", "192.0.2.0/24"))
    order = enforcer.taken.get(timeout=5).order
    assert isinstance(order, Block)
    assert order.ttl_seconds == 86_400
    site.alert(lambda alert: alert.detector == "act" and alert.done == "block is done")
    assert {line["order"]["action"] for line in listed(site)} == {"isolate", "block"}
    stranger = site.vedette("isolate", "host-9")
    assert (stranger.returncode, stranger.stderr) == (1, "vedette: no enforcer of host-9 has been heard\n")


@pytest.mark.parametrize("status", [OutcomeStatus.REFUSED, OutcomeStatus.FAILED])
def test_what_the_host_does_not_do_is_no_success(enforcing: Both, status: OutcomeStatus) -> None:
    site, enforcer = enforcing
    enforcer.answer = status, "not blocked: this is the host itself"
    found = site.vedette("block", "host-7", "localhost")
    how = {OutcomeStatus.REFUSED: "refused by", OutcomeStatus.FAILED: "failed on"}[status]
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr == f"vedette: {how} host-7: not blocked: this is the host itself\n"
    told = site.vedette("block", "host-7", "192.0.2.9", "--json")
    assert told.returncode == 1
    (line,) = told.stdout.splitlines()
    assert (json.loads(line)["state"], json.loads(line)["host"]) == (status, "host-7")
    (latest, _) = listed(site, "--all")
    assert latest["id"] == json.loads(line)["command_id"]


def test_a_host_that_does_not_answer_is_named_and_what_it_was_told_stays_ordered(enforcing: Both) -> None:
    site, enforcer = enforcing
    enforcer.answers = False
    found = site.vedette("isolate", "host-7")
    assert found.returncode == 1
    assert found.stdout.startswith("host-7: isolating the host for 1 h; to end it sooner: vedette undo ")
    assert found.stderr == "vedette: host-7 has not answered yet: see vedette actions\n"
    (line,) = listed(site)
    assert line["state"] == "under way"


def test_who_does_not_wait_is_told_where_to_look(enforcing: Both) -> None:
    site, enforcer = enforcing
    enforcer.answers = False
    command = [sys.executable, "-m", "vedette_console", "isolate", "host-7", "--folder", str(site.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as asking:
        enforcer.taken.get(timeout=30)
        asking.send_signal(signal.SIGINT)
        _, words = asking.communicate(timeout=30)
    assert asking.returncode in {1, 2}  # after the analyzer's answer, or before
    assert "vedette actions" in words
    assert words.count("\n") == 1


def test_each_of_several_is_told(enforcing: Both) -> None:
    site, _ = enforcing
    for target in ("192.0.2.1", "192.0.2.2"):
        said(site.vedette("block", "host-7", target))
    first, second = (line["id"] for line in listed(site))
    said(site.vedette("undo", first))
    found = site.vedette("undo", first, second, "--json")
    assert found.returncode == 1
    assert [json.loads(line)["state"] for line in found.stdout.splitlines()] == ["refused", "done"]
    assert listed(site) == []


def test_an_operator_acts_in_observe_mode_as_well(tmp_path: Path) -> None:
    with acting_site(tmp_path, Mode.OBSERVE, *ROWS) as (site, enforcer):
        site.copy("http://evil.test/")
        assert site.alert(from_a_list).state is State.FINAL
        assert enforcer.taken.empty()
        assert said(site.vedette("block", "host-7", "evil.test")).startswith("host-7: block is done\n")


# Who tries to get round it, over the broker


def sent(site: ActingSite, who: str, token: str, within: float = 3) -> ActAnswer | None:
    """Publish a token as an act; return the answer."""
    principal = Principal.parse(who)
    client = brokers.Client(site.broker, topics.ack(principal))
    try:
        client.publish(f"vedette/v1/act/{who}", token.encode())
        return decode_answer(*client.next(within))
    except AssertionError:
        return None
    finally:
        client.close()


def act(issuer: str) -> Act:
    now = datetime.now(UTC)
    what = Direct(host="host-7", order=Isolate(ttl_seconds=60))
    return Act(id=uuid4(), issuer=issuer, issued_at=now, expires_at=now + timedelta(seconds=30), what=what)


def test_nobody_without_a_certificate_to_act_acts(enforcing: Both, tmp_path: Path) -> None:
    site, enforcer = enforcing
    analyzer = Identity(site.deployment.identity("analyzer")).signer()
    stranger = make_ca(tmp_path / "other").issue("operator@eve").signer()
    tokens = [
        ("operator@eve", stranger.sign(act("operator@eve"))),
        ("analyzer@0", analyzer.sign(act("analyzer@0"))),
        ("operator@eve", analyzer.sign(act("analyzer@0"))),
        ("operator@eve", analyzer.sign(act("operator@eve"))),
        ("operator@eve", "no token at all"),
    ]
    for who, token in tokens:
        assert sent(site, who, token, within=0.5) is None
    refused = site.alert(lambda alert: alert.detector == "act-refused")
    assert refused.severity == "high"
    time.sleep(0.5)
    assert enforcer.taken.empty()


def test_an_act_that_comes_again_is_answered_as_before_and_carried_out_once(enforcing: Both) -> None:
    site, enforcer = enforcing
    own = Identity(site.deployment.identity("operator")).signer()
    who = str(own.principal)
    token = own.sign(act(who))
    first = sent(site, who, token)
    assert first is not None
    assert first.done
    enforcer.taken.get(timeout=5)
    assert sent(site, who, token) == first
    site.kill()
    site.start()
    assert sent(site, who, token) == first
    time.sleep(1.5)
    assert enforcer.taken.empty()
    with Reader(site.folder / "archive.db") as reader:
        kept = reader.act(first.act_id)
    assert kept is not None
    assert (kept.issuer, kept.token, kept.command_id) == (who, token, first.command_id)
    late = act(who).model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    refused = sent(site, who, own.sign(late))
    assert refused is not None
    assert (refused.done, refused.words) == (False, "refused: it has expired")
    assert sent(site, "console@main", own.sign(act(who)), within=0.5) is None, "under another's topic"


def test_nobody_answers(enforcing: Both) -> None:
    site, _ = enforcing
    site.kill()
    began = time.monotonic()
    found = site.vedette("isolate", "host-7")
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("vedette: the analyzer did not answer within 20 s")
    assert found.stderr.count("\n") == 1
    assert 18 < time.monotonic() - began < 30
    site.start()  # what it left is in order


def test_an_analyzer_that_comes_back_in_time_carries_it_out(enforcing: Both) -> None:
    site, enforcer = enforcing
    site.kill()
    words: list[str] = []
    asking = threading.Thread(target=lambda: words.append(said(site.vedette("isolate", "host-7"))))
    asking.start()
    time.sleep(4)
    site.start()
    asking.join(30)
    assert words
    assert words[0].startswith("host-7: isolate is done\n")
    assert isinstance(enforcer.taken.get(timeout=5).order, Isolate)
    time.sleep(1.5)
    assert enforcer.taken.empty()


def test_an_answer_waits_until_the_act_is_archived(enforcing: Both) -> None:
    site, _ = enforcing
    own = Identity(site.deployment.identity("operator")).signer()
    approval = Approve(command_id=uuid4(), host="host-7", order="ab" * 32)
    unknown = act(str(own.principal)).model_copy(update={"what": approval})
    answer = sent(site, str(own.principal), own.sign(unknown))
    assert answer is not None
    with Reader(site.folder / "archive.db") as reader:
        kept = reader.act(answer.act_id)
    assert kept is not None
    assert (kept.done, kept.words) == (False, answer.words)


def test_the_screen_of_vedette_up_tells_at_once_what_waits_and_what_became_of_it(tmp_path: Path) -> None:
    with Product(tmp_path, "--mode", "approve", rows=ROWS, plain=True) as product:
        now = datetime.now(UTC)
        seen = messages.clipboard("http://evil.test/", seen_at=now)
        client = brokers.Client(BrokerAddress(port=product.port))
        report = messages.report(seen, sender="sensor@host-7", sent_at=now)
        client.publish(topics.report(Principal.parse("sensor@host-7"), Kind.CLIPBOARD), encode(report))
        client.close()
        line = product.await_line(lambda line: "waits for approval" in line, within=2)
        asks = (
            r"waits for approval until \d\d:\d\d UTC: vedette approve ([0-9a-f]{8}) \(to block evil\.test\)"
        )
        found = re.search(asks, line)
        assert found is not None
        command = [sys.executable, "-m", "vedette_console", "undo", found[1]]
        folder = ["--folder", str(tmp_path / "run")]
        assert (
            subprocess.run([*command, *folder], capture_output=True, timeout=60, check=False).returncode == 0
        )
        product.await_line(lambda line: "declined it" in line)
