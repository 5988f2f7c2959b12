"""What verdicts lead to: blocks, what is blocked already, what waits for an operator, what a host allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vedette_archive import Ending, check
from vedette_indicators import IndicatorType, ListAction
from vedette_schemas import (
    Action,
    Block,
    BlockedAddress,
    BlockedHost,
    BlockedPage,
    Mode,
    Notify,
    OutcomeStatus,
    State,
)

from tests import messages
from tests.analyzer.archived import FACTS, Site, hours
from tests.messages import at

ROWS = (
    "host,evil.test,block,high,,,,",
    "phrase,robux,block,high,,,,",
    "ip,192.0.2.7,terminate,high,,,,",
    "program,game,terminate,high,,,,",
)
COPIED = messages.clipboard("http://evil.test/")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, *ROWS)
    found.heard()
    yield found
    assert check(found.path) == []
    found.close()


def test_a_verdict_to_block_becomes_an_order_and_its_outcome_settles_the_alert(site: Site) -> None:
    (send,), (pending,) = site.report(COPIED)
    order = send.command.order
    assert isinstance(order, Block)
    assert order.target == BlockedHost(name="evil.test", subdomains=True)
    assert (order.ttl_seconds, order.why) == (hours(24), "what was copied is listed: host evil.test")
    assert send.command.expires_at == at(1 + hours(24))
    assert (pending.state, pending.action, pending.done) == (
        State.PENDING,
        Action.BLOCK,
        "blocking evil.test",
    )
    (final,) = site.answer(send, reason="blocked evil.test until tomorrow; not covered: much")
    assert (final.id, final.state) == (pending.id, State.FINAL)
    assert final.done == "blocked evil.test until tomorrow; not covered: much"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (OutcomeStatus.REFUSED, "not done: the host refused: not blocked: it is on never_touch"),
        (OutcomeStatus.FAILED, "failed: not blocked: it is on never_touch"),
    ],
)
def test_a_block_that_was_not_done_is_not_in_force(site: Site, status: OutcomeStatus, says: str) -> None:
    (send,), _ = site.report(COPIED)
    (final,) = site.answer(send, status=status, reason="not blocked: it is on never_touch")
    assert final.done == says
    assert len(site.report(COPIED, second=3)[0]) == 1


def test_what_is_blocked_already_is_not_ordered_again_and_the_alert_says_until_when(site: Site) -> None:
    (send,), _ = site.report(COPIED)
    again, (meanwhile,) = site.report(COPIED, second=1.5)
    assert again == []
    assert (meanwhile.state, meanwhile.done) == (State.FINAL, "already blocking evil.test")
    site.answer(send)
    for restart in (False, True):
        if restart:
            site.start(60)
            site.heard(60)
        sends, (alert,) = site.report(COPIED, second=60)
        assert sends == []
        assert alert.done == "is blocked already, until 2026-11-22T12:00:02Z"
    site.tick(hours(24) + 3)
    assert len(site.report(COPIED, second=hours(24) + 3)[0]) == 1


def test_it_is_blocked_on_another_host_all_the_same(site: Site) -> None:
    (send,), _ = site.report(COPIED)
    site.answer(send)
    site.heard(principal="enforcer@host-8")
    (other,), _ = site.report(COPIED, second=3, sender="sensor@host-8")
    assert other.audience == ("enforcer", "host-8")


def test_two_rows_that_block_the_same_are_one_order(tmp_path: Path) -> None:
    site = Site(tmp_path, "url,evil.test/x,block,high,,,,", "phrase,robux,block,high,,,,")
    site.heard()
    (send,), alerts = site.report(messages.clipboard("robux http://evil.test/x"))
    assert isinstance(send.command.order, Block)
    assert send.command.order.target == BlockedPage(host="evil.test", path="/x")
    assert [alert.command_id for alert in alerts] == [send.command.id] * 2
    assert [alert.id for alert in site.answer(send)] == [alert.id for alert in alerts]
    site.close()


def test_where_a_program_connected_to_is_blocked_and_the_program_ended_each_with_its_alert(
    site: Site,
) -> None:
    sends, alerts = site.report(messages.connection(process=messages.process(executable="/opt/x")))
    assert [send.command.order.action for send in sends] == ["terminate", "block"]
    end, block = sends
    assert isinstance(block.command.order, Block)
    assert block.command.order.target == BlockedAddress(network="192.0.2.7")
    assert [(alert.command_id, alert.action) for alert in alerts] == [
        (end.command.id, Action.TERMINATE),
        (block.command.id, Action.BLOCK),
    ]
    assert alerts[0].id != alerts[1].id
    (blocked,) = site.answer(block, reason="blocked 192.0.2.7")
    assert (blocked.id, blocked.done) == (alerts[1].id, "blocked 192.0.2.7")
    (ended,) = site.answer(end, ended=(messages.process(executable="/opt/x"),))
    assert (ended.id, ended.done) == (alerts[0].id, "ended x (pid 4242)")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"block": "off: no nftables"}, "could not block evil.test: no nftables"),
        ({"block": None}, "could not block evil.test: it does not know how to block"),
        ({"mode": "observe"}, "observe mode: would block evil.test"),
    ],
)
def test_what_the_host_can_not_or_will_not_do_is_not_ordered(
    site: Site, facts: dict[str, Any], says: str
) -> None:
    site.heard(facts={name: fact for name, fact in (FACTS | facts).items() if fact is not None})
    sends, (alert,) = site.report(COPIED)
    assert (sends, alert.state, alert.done) == ([], State.FINAL, says)


@pytest.mark.parametrize(
    ("server", "host", "counts"),
    [
        (Mode.ENFORCE, "approve", Mode.APPROVE),
        (Mode.APPROVE, "enforce", Mode.APPROVE),
        (Mode.APPROVE, "observe", Mode.OBSERVE),
        (Mode.OBSERVE, "enforce", Mode.OBSERVE),
        (Mode.ENFORCE, "nonsense", Mode.ENFORCE),
    ],
)
def test_the_lower_of_two_modes_counts(site: Site, server: Mode, host: str, counts: Mode) -> None:
    site.mode = server
    site.heard(facts=FACTS | {"mode": host})
    sends, (alert,) = site.report(COPIED)
    assert alert.mode is counts
    assert bool(sends) == (counts is Mode.ENFORCE)


def test_in_approve_mode_an_order_waits_and_the_alert_says_how_to_approve_it(site: Site) -> None:
    site.mode = Mode.APPROVE
    sends, (alert,) = site.report(COPIED)
    assert (sends, alert.state) == ([], State.PENDING)
    (waiting,) = site.reader.open_commands()
    until = f"{waiting.expires_at:%H:%M} UTC"
    approve = f"vedette approve {str(alert.command_id)[:8]}"
    assert alert.done.startswith(f"waits for approval until {until}: {approve} (to block")
    assert site.heard(30) == []
    assert (waiting.id, waiting.waits) == (alert.command_id, True)


def test_the_same_thing_waits_once(site: Site) -> None:
    site.mode = Mode.APPROVE
    for item, name in ((COPIED, "block evil.test"), (messages.window(), "end game")):
        _, (first,) = site.report(item)
        _, (second,) = site.report(item)
        assert second.state is State.FINAL
        assert second.done.startswith("already waits for approval until ")
        assert f": vedette approve {str(first.command_id)[:8]}" in second.done
        assert name in second.done


def test_what_nobody_approves_is_not_done(site: Site) -> None:
    site.mode = Mode.APPROVE
    _, (alert,) = site.report(COPIED, second=0)
    assert site.tick(15 * 60 - 1) == []
    (final,) = site.tick(15 * 60)
    assert (final.id, final.state, final.done) == (alert.id, State.FINAL, "not done: nobody approved it")
    assert alert.command_id is not None
    known = site.reader.command(alert.command_id)
    assert known is not None
    assert known.ending is Ending.EXPIRED


def test_a_phrase_beside_what_can_not_be_blocked_only_alerts(site: Site) -> None:
    sends, (alert,) = site.report(messages.clipboard(f"robux http://other.test/{'x' * 3_000}"))
    assert (sends, alert.state) == ([], State.FINAL)
    assert "can't be blocked as it stands" in alert.done


def test_a_copied_network_is_not_what_is_blocked(site: Site) -> None:
    (send,), _ = site.report(messages.clipboard("robux http://10.0.0.0/8"))
    assert isinstance(send.command.order, Block)
    assert send.command.order.target == BlockedPage(host="10.0.0.0", path="/8")


ALLOWED = [
    ("host,evil.test", COPIED),
    ("url,http://evil.test/x", messages.clipboard("http://evil.test/x")),
    ("ip,192.0.2.7", messages.clipboard("192.0.2.7")),
    ("phrase,robux", messages.clipboard("robux http://evil.test/")),
    ("ip,192.0.2.7", messages.connection()),
    ("ip:port,192.0.2.7:443", messages.connection()),
    ("cidr,192.0.2.0/24", messages.connection()),
    ("host,evil.test", messages.connection(host="evil.test")),
    ("program,game", messages.window()),
    ("path,/opt/game/game", messages.window()),
    (f"hash,{'ab' * 32}", messages.window(sha256="ab" * 32)),
    ("program,game", messages.started()),
    (f"hash,{'ab' * 32}", messages.hashed()),
    ("host,evil.test", messages.window(title="http://evil.test/", process=None, pid_from=None)),
    ("phrase,robux", messages.window(title="robux", process=messages.process(executable="/x"))),
]


def asked_for(row: str) -> list[ListAction]:
    """Return what a row of this type may ask for."""
    is_program = row.startswith(("program", "path", "hash"))
    beside = {ListAction.ALLOW, *([ListAction.BLOCK] if is_program else [])}
    return [action for action in ListAction if action not in beside]


def test_a_row_of_each_type_is_tried() -> None:
    assert {row.partition(",")[0] for row, _ in ALLOWED} == set(IndicatorType)


@pytest.mark.parametrize(
    ("row", "observation", "action"),
    [(row, observation, action) for row, observation in ALLOWED for action in asked_for(row)],
)
def test_an_allowlist_row_beats_the_others_and_leads_to_no_order(
    tmp_path: Path, row: str, observation: Any, action: ListAction
) -> None:
    listed = Site(tmp_path, f"{row},{action},critical,,,,")
    listed.heard()
    assert len(listed.report(observation)[1]) >= 1, "without the allowlist it is found"
    listed.close()
    (tmp_path / "other").mkdir()
    allowed = Site(tmp_path / "other", f"{row},{action},critical,,,,", f"{row},allow,info,,,,")
    allowed.heard()
    assert allowed.report(observation) == ([], [])
    assert allowed.reader.newest_commands() == []
    allowed.close()


def test_the_user_is_not_told_twice_that_something_was_blocked(site: Site) -> None:
    (send,), _ = site.report(COPIED)
    site.answer(send)
    assert not [each for each in site.reader.newest_commands() if isinstance(each.order, Notify)]
