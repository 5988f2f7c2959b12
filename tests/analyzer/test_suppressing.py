"""What operators suppress: nothing of it is told or acted upon, all else is; and how long."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from vedette_analyzer import suppressions
from vedette_analyzer.desk import ActDesk
from vedette_analyzer.detectors import DETECTORS
from vedette_analyzer.orders import Send
from vedette_archive import check
from vedette_schemas import (
    Act,
    Action,
    Alert,
    Block,
    BlockedHost,
    Lift,
    ListEntry,
    Mode,
    OutcomeStatus,
    Scope,
    Severity,
    State,
    Suppress,
    selftest_text,
)
from vedette_transport.signing import ActVerifier

from tests import messages
from tests.analyzer.archived import ANNA, FACTS, ISOLATE, Site, hours
from tests.authority import make_ca
from tests.messages import at

ROWS = (
    "host,evil.test,block,high,,,,",
    "host,worse.test,block,high,,,,",
    "url,evil.test/page,alert,high,,,,",
    "phrase,evil.test,alert,low,,,,",
    "program,game,terminate,high,,,,",
    "ip,192.0.2.7,terminate,high,,,,",
)
COPIED = messages.clipboard("http://worse.test/")
EVIL, WORSE = ListEntry(type="host", value="evil.test"), ListEntry(type="host", value="worse.test")
GAME = ListEntry(type="program", value="game")
DAY = 86_400


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path, *ROWS)
    found.heard()
    yield found
    assert check(found.path) == []
    found.close()


def suppress(seconds: int = DAY, reason: str = "a false alarm", **scope: Any) -> Suppress:
    return Suppress(scope=Scope(**scope), ttl_seconds=seconds, reason=reason)


def begin(site: Site, second: float = 3, seconds: int = DAY, **scope: Any) -> UUID:
    """Suppress something; return under which id."""
    act, sends, (told,) = site.act(suppress(seconds, **scope), second)
    assert (act.done, sends, told.detector, told.state) == (True, [], "act", State.FINAL), act.words
    return act.id


def hidden(site: Site) -> list[Alert]:
    return [found.alert for found in site.reader.suppressed.hidden()]


def counted(site: Site, name: UUID) -> int:
    found = site.reader.suppressed.get(name)
    assert found is not None
    return found.hidden


# Which findings are hidden

ON_7 = {"host": "host-7"}
OF_CLIPBOARD = {"detector": "listed-clipboard"}
OF_WINDOW = {"detector": "listed-window"}


@pytest.mark.parametrize(
    ("scope", "is_hidden"),
    [
        ({"indicator": WORSE}, True),
        (ON_7, True),
        (OF_CLIPBOARD, True),
        ({"indicator": WORSE, **ON_7}, True),
        ({"indicator": WORSE, **OF_CLIPBOARD}, True),
        ({**ON_7, **OF_CLIPBOARD}, True),
        ({"indicator": WORSE, **ON_7, **OF_CLIPBOARD}, True),
        ({"indicator": EVIL}, False),
        ({"indicator": ListEntry(type="phrase", value="worse.test")}, False),
        ({"indicator": ListEntry(type="url", value="worse.test/")}, False),
        ({"host": "host-70"}, False),
        ({"host": "host"}, False),
        (OF_WINDOW, False),
        ({"detector": "look-alike-text"}, False),
        ({"indicator": WORSE, "host": "host-8"}, False),
        ({"indicator": WORSE, **OF_WINDOW}, False),
        ({"indicator": EVIL, **ON_7, **OF_CLIPBOARD}, False),
        ({"host": "host-8", **OF_CLIPBOARD}, False),
    ],
)
def test_what_all_that_is_named_holds_for_is_hidden_and_nothing_else(
    site: Site, scope: dict[str, Any], is_hidden: bool
) -> None:
    name = begin(site, **scope)
    sends, alerts = site.report(COPIED, second=4)
    assert (len(sends), len(alerts)) == ((0, 0) if is_hidden else (1, 1))
    assert counted(site, name) == len(hidden(site)) == (1 if is_hidden else 0)


@pytest.mark.parametrize(
    "written", ["worse.test", "WORSE.TEST", "worse.test.", "worse[.]test", " worse.test ", "*.worse.test"]
)
def test_an_entry_is_named_in_any_way_that_a_list_may_write_it(site: Site, written: str) -> None:
    act, *_ = site.act(suppress(indicator=ListEntry(type="host", value=written)))
    sends, alerts = site.report(COPIED, second=4)
    if act.done:
        assert (sends, alerts) == ([], [])
    else:
        assert "no list can hold that host" in act.words
        assert len(alerts) == 1


@pytest.mark.parametrize(
    "text",
    [
        "HTTP://WORSE.TEST/",
        "http://a.b.worse.test./x?y",
        "hxxp://worse[.]test",
        "see http://good.test/?to=http://worse.test/",
        "worse.test",
        "anna@worse.test",
    ],
)
def test_however_the_same_entry_is_hit_it_is_hidden(site: Site, text: str) -> None:
    begin(site, indicator=WORSE)
    assert site.report(messages.clipboard(text), second=4) == ([], [])
    assert len(hidden(site)) >= 1


def test_another_entry_in_the_same_text_is_told_and_blocked(site: Site) -> None:
    begin(site, indicator=WORSE)
    (send,), alerts = site.report(messages.clipboard("http://worse.test/ http://evil.test/page"), second=4)
    assert send.command.order == Block(
        target=BlockedHost(name="evil.test", subdomains=True),
        ttl_seconds=DAY,
        why="what was copied is listed: host evil.test",
    )
    told = {(alert.match.type, alert.match.value) for alert in alerts if alert.match is not None}
    assert told == {("host", "evil.test"), ("url", "evil.test/page"), ("phrase", "evil.test")}


def test_a_program_that_is_listed_is_ended_though_its_title_is_suppressed(site: Site) -> None:
    begin(site, indicator=EVIL)
    seen = messages.window(title="evil.test", process=messages.process(executable="/opt/game/game"))
    (send,), alerts = site.report(seen, second=4)
    assert send.command.order.action == "terminate"
    assert {alert.match.type for alert in alerts if alert.match} == {"program", "phrase"}


def test_a_connection_of_two_orders_leads_to_none(site: Site) -> None:
    begin(site, indicator=ListEntry(type="ip", value="192.0.2.7"))
    assert site.report(messages.connection(), second=4) == ([], [])
    (told,) = hidden(site)
    assert told.action is Action.TERMINATE


# What is kept of it


def test_what_was_hidden_is_found_with_what_hid_it(site: Site) -> None:
    name = begin(site, indicator=WORSE)
    site.report(COPIED, second=4)
    (found,) = site.reader.suppressed.hidden(name)
    with sqlite3.connect(site.path) as connection:
        ((verdict,),) = connection.execute("SELECT verdict FROM findings").fetchall()
    connection.close()
    assert json.loads(verdict)["suppressed_by"] == str(name)
    alert = found.alert
    assert (found.suppression_id, alert.state, alert.action) == (name, State.FINAL, Action.BLOCK)
    assert alert.done == f"hidden until 2026-11-22T12:00:03Z: suppressed by {ANNA}: a false alarm"
    assert (alert.command_id, alert.match and alert.match.value) == (None, "worse.test")
    kept = site.reader.suppressed.get(name)
    assert kept is not None
    assert (kept.hidden, kept.last_hidden_at) == (1, at(4))
    assert site.reader.counts().alerts == 1, "that it was suppressed is told, and nothing else"


def test_who_suppressed_what_and_why_is_told(site: Site) -> None:
    _, _, (narrow,) = site.act(suppress(indicator=WORSE, host="host-7"))
    assert narrow.summary == f"{ANNA} suppresses host worse.test on host-7: a false alarm"
    assert (narrow.host, narrow.severity) == ("host-7", Severity.INFO)
    assert narrow.done == "suppressed until 2026-11-22T12:00:03Z, for 24 h"
    _, _, (wide,) = site.act(suppress(detector="look-alike-text"), 4)
    assert wide.summary == f"{ANNA} suppresses all that look-alike-text finds on all hosts: a false alarm"
    assert (wide.host, wide.severity) == ("0", Severity.MEDIUM)


# How long


@pytest.mark.parametrize("restarts", [False, True])
def test_it_is_over_when_its_time_is(site: Site, restarts: bool) -> None:
    name = begin(site, second=0, seconds=3_600, indicator=WORSE)
    if restarts:
        site.start(1)
        site.heard(1)
    assert site.report(COPIED, second=3_599.9) == ([], [])
    (send,), (alert,) = site.report(COPIED, second=3_600)
    assert (alert.action, send.audience.host) == (Action.BLOCK, "host-7")
    site.tick(3_601)
    over = site.reader.suppressed.get(name)
    assert over is not None
    assert (over.ended_at, over.ended_by, over.hidden) == (at(3_601), None, 1)
    assert site.reader.suppressed.in_force(at(0)) == []


def test_what_is_over_stays_over_if_the_clock_is_set_back_while_nobody_looks(site: Site) -> None:
    begin(site, second=0, seconds=60, indicator=WORSE)
    site.start(70)  # it has ended while no analyzer was there
    site.tick(71)
    site.start(5)
    site.heard(5)
    assert len(site.report(COPIED, second=6)[1]) == 1


@pytest.mark.parametrize("by", [timedelta(hours=-5), timedelta(hours=5), timedelta(days=400)])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_that_is_set_makes_it_neither_longer_nor_shorter(
    site: Site, by: timedelta, restarts: bool
) -> None:
    begin(site, second=0, seconds=3_600, indicator=WORSE)
    site.analyzer.clock_moved(by)
    moved = by.total_seconds()
    site.tick(moved + 1)
    if restarts:
        site.start(moved + 2)
        site.heard(moved + 2)
    (kept,) = site.reader.suppressed.in_force(at(moved + 3))
    assert (kept.since, kept.until) == (at(moved), at(moved + 3_600))
    assert site.report(COPIED, second=moved + 3_599) == ([], [])
    assert len(site.report(COPIED, second=moved + 3_600)[1]) == 1


def test_what_counts_is_when_it_is_judged(site: Site) -> None:
    """A host can't choose by its clock whether it is told."""
    begin(site, second=100, seconds=100, indicator=WORSE)
    for seen_at in (-1e6, 150, 1e6):
        assert site.report(messages.clipboard("worse.test", second=seen_at), second=150) == ([], [])
    assert len(site.report(messages.clipboard("worse.test", second=150), second=201)[1]) == 1


# Lifting


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_lifted_is_told_again(site: Site, restarts: bool) -> None:
    name = begin(site, indicator=WORSE)
    if restarts:
        site.start(4)
        site.heard(4)
    act, _, (told,) = site.act(Lift(suppression_id=name), 5, issuer="operator@ben")
    assert (act.done, act.kind) == (True, "lift")
    assert told.summary == f"operator@ben lifts what {ANNA} suppressed: host worse.test on all hosts"
    assert len(site.report(COPIED, second=6)[0]) == 1
    kept = site.reader.suppressed.get(name)
    assert kept is not None
    assert (kept.ended_by, kept.ended_at) == ("operator@ben", at(5))
    again, _, alerts = site.act(Lift(suppression_id=name), 7)
    assert (again.done, alerts) == (False, [])
    assert again.words == f"suppression {str(name)[:8]} is not in force"


def test_what_is_not_known_can_not_be_lifted(site: Site) -> None:
    assert not site.act(Lift(suppression_id=uuid4()))[0].done


def test_who_suppresses_the_same_again_sets_its_time_anew(site: Site) -> None:
    first = begin(site, second=0, seconds=3_600, indicator=WORSE, host="host-7")
    act, *_ = site.act(suppress(60, indicator=WORSE, host="host-7"), 10, issuer="operator@ben")
    assert act.words == (
        f"suppressed until 2026-11-21T12:01:10Z, for 1 min, in the place of {str(first)[:8]}:"
        " host worse.test on host-7"
    )
    assert [each.id for each in site.reader.suppressed.in_force(at(11))] == [act.id]
    kept = site.reader.suppressed.get(first)
    assert kept is not None
    assert (kept.ended_by, kept.ended_at) == ("operator@ben", at(10))
    assert len(site.report(COPIED, second=71)[1]) == 1


def test_of_several_that_cover_a_finding_one_counts_it(site: Site) -> None:
    wide, narrow = begin(site, 1, indicator=WORSE), begin(site, 2, indicator=WORSE, host="host-7")
    site.report(COPIED, second=4)
    assert (counted(site, wide), counted(site, narrow)) == (0, 1)
    site.act(Lift(suppression_id=narrow), 5)
    assert site.report(COPIED, second=6) == ([], [])
    assert counted(site, wide) == 1


# What can't be suppressed


@pytest.mark.parametrize(
    "detector",
    [
        *("selftest", "act", "act-refused", "released", "command-refused", "command-not-sent", "silent-host"),
        *("stopped-program", "missing", "dropped", "spool-lost", "spool-went-back", "archive-went-back"),
        *("revocations", "unreadable", "version", "list", "feed", "archive", "listed-", "listed-window-"),
    ],
)
def test_what_tells_of_vedette_itself_is_no_detector_to_suppress(site: Site, detector: str) -> None:
    act, _, alerts = site.act(suppress(detector=detector, host="host-7"))
    assert (act.done, alerts) == (False, [])
    assert act.words.startswith(f"alerts of {detector} can't be suppressed; those can of: listed-clipboard,")


def test_the_server_itself_can_not_be_suppressed(site: Site) -> None:
    act, *_ = site.act(suppress(host="0"))
    assert (act.done, act.words) == (False, "alerts about Vedette itself can't be suppressed")


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("host", "test", "no list can hold that host: a single label"),
        ("host", "co.uk", "no list can hold that host: a public suffix"),
        ("domain", "evil.test", "domain is no type of indicator; those are: host, url,"),
    ],
)
def test_what_no_list_can_hold_is_said(site: Site, kind: str, value: str, says: str) -> None:
    act, *_ = site.act(suppress(indicator=ListEntry(type=kind, value=value)))
    assert not act.done
    assert act.words.startswith(says)


def test_a_host_of_which_all_is_suppressed_still_tells_of_what_is_wrong_with_it(site: Site) -> None:
    begin(site, host="host-7")
    stolen = messages.outcome(uuid4(), reason="done")
    assert site.report(messages.window(), second=4) == ([], [])
    (told,) = site.report(stolen, second=5, sender="enforcer@host-7")[1]
    assert (told.detector, told.severity) == ("command-not-sent", Severity.CRITICAL)
    refused = messages.outcome(None, status=OutcomeStatus.REFUSED, reason="its signature does not hold")
    assert site.report(refused, second=6, sender="enforcer@host-7")[1][0].detector == "command-refused"
    assert site.report(messages.clipboard(selftest_text()), second=7)[1][0].detector == "selftest"


def test_an_operators_own_order_is_carried_out_and_told(site: Site) -> None:
    begin(site, host="host-7")
    target = BlockedHost(name="worse.test", subdomains=True)
    for order in (ISOLATE, Block(target=target, ttl_seconds=60)):
        act, (send,), (pending,) = site.direct(order)
        assert (act.done, pending.detector) == (True, "act")
        (final,) = site.answer(send)
        assert final.state is State.FINAL
        assert site.undo(send.command.id, 5)[0].done


def test_what_was_ordered_or_asked_before_goes_on(site: Site) -> None:
    (send,), (pending,) = site.report(COPIED, second=0)
    site.mode = Mode.APPROVE
    site.report(messages.clipboard("http://evil.test/"), second=1)
    (waiting,) = [command.id for command in site.reader.open_commands() if command.waits]
    begin(site, host="host-7")
    (final,) = site.answer(send, 5)
    assert (final.id, final.state) == (pending.id, State.FINAL)
    assert site.approve(waiting, 6)[0].done


def test_every_detector_of_findings_but_the_self_test_can_be_suppressed(site: Site) -> None:
    names = {detector.name for detector in DETECTORS}  # type: ignore[attr-defined]
    refused = {name for name in names if not site.act(suppress(detector=name))[0].done}
    assert refused == {"selftest"}


def test_no_mode_lets_it_through(site: Site) -> None:
    begin(site, indicator=WORSE)
    for mode in Mode:
        site.mode = mode
        site.heard(4, facts=FACTS)
        assert site.report(COPIED, second=5) == ([], [])


@pytest.mark.parametrize("who", ["sensor@host-7", "enforcer@host-7", "analyzer@0", "console@health"])
def test_nobody_suppresses_who_is_no_operator(site: Site, tmp_path: Path, who: str) -> None:
    authority = make_ca(tmp_path / "ca")
    desk = ActDesk(ActVerifier(authority.path), site.analyzer, site.reader.act)
    now = datetime.now(UTC)
    later = now + timedelta(minutes=1)
    act = Act(id=uuid4(), issuer=who, issued_at=now, expires_at=later, what=suppress(host="host-7"))
    token = authority.issue(who).signer().sign(act).encode()
    (refused,) = desk.take(f"vedette/v1/act/{ANNA}", token, now)
    assert isinstance(refused, Alert)
    assert refused.detector == "act-refused"
    assert len(site.report(COPIED, second=4)[1]) == 1


def test_their_number_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suppressions, "MAX_SUPPRESSIONS", 3)
    names = [begin(site, host=f"host-{number}") for number in range(3)]
    act, _, alerts = site.act(suppress(host="host-9"))
    assert (act.done, alerts) == (False, [])
    assert "lift some" in act.words
    assert site.act(suppress(host="host-2"))[0].done, "one of the same scope takes its place"
    site.act(Lift(suppression_id=names[0]))
    assert site.act(suppress(host="host-9"))[0].done
    assert site.analyzer.suppressed == 3


def test_an_act_that_comes_again_after_a_crash_hides_under_the_same_name(site: Site) -> None:
    act = site.signed(suppress(indicator=WORSE), 3)
    first = list(site.analyzer.act(act, "x.y.z", at(3)))  # carried out, and never archived
    site.start(5)
    site.heard(5)
    assert len(site.report(COPIED, second=6)[1]) == 1, "what nobody knows of hides nothing"
    site.keep(site.analyzer.act(act, "x.y.z", at(7)))
    assert site.report(COPIED, second=8) == ([], [])
    assert [each.id for each in site.reader.suppressed.newest()] == [act.id]
    assert not [effect for effect in first if isinstance(effect, Send)]


def test_what_is_judged_again_after_a_crash_is_counted_once(site: Site) -> None:
    name = begin(site, indicator=WORSE)
    report = messages.report(COPIED, first=9)
    for _ in range(2):
        assert site.keep(site.judged(report, 4), report) == ([], [])
    assert counted(site, name) == len(hidden(site)) == 1


def test_a_suppression_outlives_the_hours_of_a_block(site: Site) -> None:
    begin(site, seconds=int(hours(48)), indicator=WORSE)
    for hour in (1, 25, 47):
        site.tick(hours(hour))
        assert site.report(COPIED, second=hours(hour)) == ([], [])
