"""DESIGN.md's action table, a row of it a group of cells here."""

from itertools import product
from typing import Any

import pytest
from vedette_analyzer.detectors import all_detectors
from vedette_analyzer.finding import Finding
from vedette_analyzer.policy import Verdict, decide
from vedette_indicators.guard import Guard, read_guard
from vedette_schemas import Action, Observation, Severity, Terminate

from tests import messages
from tests.analyzer.lists import lists

GAME = messages.process(executable="/opt/game/game")
SHA = "ab" * 32
ENDS_IT = Terminate(process=GAME, uid=1000)

WINDOW_OF_PROGRAM = messages.window(process=GAME, sha256=SHA)
PROGRAM_ROWS = ("program,game", "path,/opt/game/game", f"hash,{SHA}")
TITLE_ROWS = ("phrase,free robux", "url,http://evil.test/x", "host,evil.test")
WINDOW_WITH_TITLE = messages.window(process=GAME, title="free robux at http://evil.test/x - Game")
TEXT_ROWS = (*TITLE_ROWS, "ip,192.0.2.7")
COPIED = messages.clipboard("free robux at http://evil.test/x and 192.0.2.7")
PROCESS = messages.started(process=GAME, sha256=SHA)
HASHED = messages.hashed(process=GAME, sha256=SHA)
ADDRESS_ROWS = ("host,evil.test", "ip,192.0.2.7", "ip:port,192.0.2.7:443", "cidr,192.0.2.0/24")
CONNECTION = messages.connection(process=GAME, host="evil.test")


def verdicts(row: str, action: str, observation: Observation) -> list[Verdict]:
    found = lists(f"{row},{action},high,,,,")
    return [
        decide(finding, observation)
        for detector in all_detectors(found)
        if isinstance(observation, detector.watches)
        for finding in detector.inspect(observation)
    ]


def verdict(row: str, action: str, observation: Observation) -> Verdict:
    (only,) = verdicts(row, action, observation)
    return only


EVERY = [
    *product(PROGRAM_ROWS, [WINDOW_OF_PROGRAM, PROCESS]),
    (f"hash,{SHA}", HASHED),
    *product(TITLE_ROWS, [WINDOW_WITH_TITLE]),
    *product(TEXT_ROWS, [COPIED]),
    *product(ADDRESS_ROWS, [CONNECTION]),
]


@pytest.mark.parametrize(("row", "observation"), EVERY)
def test_alert_only_alerts(row: str, observation: Observation) -> None:
    assert verdict(row, "alert", observation) == Verdict(Action.ALERT)


@pytest.mark.parametrize(("row", "observation"), EVERY)
def test_allow_says_nothing(row: str, observation: Observation) -> None:
    assert verdicts(row, "allow", observation) == []


@pytest.mark.parametrize(
    ("row", "observation"), [*product(PROGRAM_ROWS, [WINDOW_OF_PROGRAM, PROCESS]), (f"hash,{SHA}", HASHED)]
)
def test_a_listed_program_that_is_to_be_terminated_is(row: str, observation: Observation) -> None:
    assert verdict(row, "terminate", observation) == Verdict(Action.TERMINATE, order=ENDS_IT)


@pytest.mark.parametrize("row", PROGRAM_ROWS)
def test_blocking_a_program_is_refused_when_the_list_is_read(row: str) -> None:
    with pytest.raises(AssertionError, match="block"):
        lists(f"{row},block,high,,,,")


@pytest.mark.parametrize("row", TITLE_ROWS)
def test_what_a_title_names_is_blocked(row: str) -> None:
    blocked = {"host,evil.test": "evil.test"}.get(row, "evil.test/x")
    assert verdict(row, "block", WINDOW_WITH_TITLE) == Verdict(Action.BLOCK, block=blocked)


@pytest.mark.parametrize("row", TITLE_ROWS)
def test_what_a_title_names_ends_the_program_that_shows_it(row: str) -> None:
    only_it = Terminate(process=GAME, uid=1000, others=False)
    assert verdict(row, "terminate", WINDOW_WITH_TITLE) == Verdict(Action.TERMINATE, order=only_it)


def test_a_phrase_without_a_url_beside_it_has_nothing_to_block() -> None:
    found = verdict("phrase,free robux", "block", messages.window(title="free robux"))
    assert (found.action, found.block) == (Action.ALERT, None)
    assert found.reason


@pytest.mark.parametrize(
    "program",
    [
        "/usr/lib/chromium/chromium",
        "/usr/lib/firefox-esr/firefox-esr",
        "/usr/lib/libreoffice/program/soffice.bin",
        "/usr/bin/xterm",
        "/usr/bin/bash",
        "/usr/bin/gnome-shell",
    ],
)
def test_a_browser_office_or_shell_program_is_never_ended_for_its_title(program: str) -> None:
    seen = messages.window(title="free robux", process=messages.process(executable=program))
    found = verdict("phrase,free robux", "terminate", seen)
    assert (found.action, found.order) == (Action.ALERT, None)
    assert "browser, office or shell" in found.reason


@pytest.mark.parametrize(
    "program", [r"C:\Program Files\Google\Chrome\Application\CHROME.EXE", r"C:\Windows\explorer.exe"]
)
def test_nor_is_one_on_windows(program: str) -> None:
    seen = messages.window(os="windows", title="free robux", process=messages.process(executable=program))
    assert verdict("phrase,free robux", "terminate", seen).action is Action.ALERT


def test_but_a_browser_that_is_itself_listed_is_ended() -> None:
    browser = messages.process(executable="/opt/chromium")
    found = verdict("program,chromium", "terminate", messages.window(process=browser))
    assert found == Verdict(Action.TERMINATE, order=Terminate(process=browser, uid=1000))


def test_a_program_named_only_by_the_titles_last_part_alerts() -> None:
    found = verdict("program,utorrent", "terminate", messages.window(title="Downloads - utorrent"))
    assert (found.action, found.order) == (Action.ALERT, None)


@pytest.mark.parametrize(
    "changes", [{"process": None, "pid_from": None}, {"pid_from": "client"}, {"pid_from": None}]
)
def test_a_title_ends_nothing_where_the_x_server_does_not_say_whose_it_is(changes: dict[str, Any]) -> None:
    found = verdict("phrase,free robux", "terminate", messages.window(title="free robux", **changes))
    assert (found.action, found.order) == (Action.ALERT, None)
    assert found.reason


def test_a_listed_program_is_ended_even_if_the_window_named_its_own_process() -> None:
    seen = messages.window(process=GAME, pid_from="client")
    assert verdict("program,game", "terminate", seen).action is Action.TERMINATE


@pytest.mark.parametrize(
    "title",
    ["how to report hxxp://evil[.]test/x", "bob@evil.test", "https://ok.test/?to=http%3A%2F%2Fevil.test%2Fx"],
)
def test_a_url_that_is_only_spoken_of_ends_nothing(title: str) -> None:
    found = verdict("host,evil.test", "terminate", messages.window(title=title))
    assert (found.action, found.order) == (Action.ALERT, None)


@pytest.mark.parametrize(("row", "action"), list(product(TEXT_ROWS, ["block", "terminate"])))
def test_what_was_copied_is_blocked_and_nobody_is_ended_for_it(row: str, action: str) -> None:
    blocked = {"host,evil.test": "evil.test", "ip,192.0.2.7": "192.0.2.7"}.get(row, "evil.test/x")
    assert verdict(row, action, COPIED) == Verdict(Action.BLOCK, block=blocked)


def test_a_copied_phrase_without_a_url_alerts() -> None:
    assert verdict("phrase,free robux", "terminate", messages.clipboard("free robux")).action is Action.ALERT


ENDS = {"host,evil.test": "evil.test", "ip:port,192.0.2.7:443": "192.0.2.7:443"}


@pytest.mark.parametrize("row", ADDRESS_ROWS)
def test_where_a_program_connected_to_is_blocked(row: str) -> None:
    assert verdict(row, "block", CONNECTION) == Verdict(Action.BLOCK, block=ENDS.get(row, "192.0.2.7"))


@pytest.mark.parametrize("row", ADDRESS_ROWS)
def test_where_a_program_connected_to_is_blocked_and_the_program_ended(row: str) -> None:
    expected = Verdict(Action.TERMINATE, order=ENDS_IT, block=ENDS.get(row, "192.0.2.7"))
    assert verdict(row, "terminate", CONNECTION) == expected


def test_a_connection_of_nobody_known_is_only_blocked() -> None:
    found = verdict("ip,192.0.2.7", "terminate", messages.connection(process=None))
    assert (found.action, found.order, found.block) == (Action.BLOCK, None, "192.0.2.7")


def test_a_detector_without_a_list_alerts() -> None:
    finding = Finding(detector="scan", severity=Severity.HIGH, summary="a scan")
    assert decide(finding, CONNECTION) == Verdict(Action.ALERT)


def test_an_outcome_leads_to_nothing_but_an_alert() -> None:
    (finding,) = all_detectors(lists("program,game,terminate,high,,,,"))[2].inspect(PROCESS)
    assert decide(finding, messages.outcome(None)).action is Action.ALERT


GUARD = Guard(read_guard("evil.test\n192.0.2.0/24\n", name="common.txt")[0])


def guarded(row: str, action: str, observation: Observation) -> Verdict:
    (found,) = (
        finding
        for detector in all_detectors(lists(f"{row},{action},high,,,,"))
        if isinstance(observation, detector.watches)
        for finding in detector.inspect(observation)
    )
    return decide(finding=found, observation=observation, guarded=GUARD.guarded)


@pytest.mark.parametrize("action", ["block", "terminate"])
@pytest.mark.parametrize(
    ("row", "observation"),
    [
        ("host,evil.test", CONNECTION),
        ("ip,192.0.2.7", CONNECTION),
        ("ip:port,192.0.2.7:443", CONNECTION),
        ("cidr,192.0.2.0/24", CONNECTION),
        ("host,evil.test", COPIED),
        ("url,http://evil.test/", COPIED),
        ("host,evil.test", WINDOW_WITH_TITLE),
        ("phrase,free robux", messages.clipboard("free robux at evil.test")),
    ],
)
def test_what_is_too_common_is_alerted_with_the_reason(
    row: str, observation: Observation, action: str
) -> None:
    verdict = guarded(row, action, observation)
    assert (verdict.action, verdict.order, verdict.block) == (Action.ALERT, None, None)
    assert "too common to block (common.txt)" in verdict.reason


@pytest.mark.parametrize(
    ("row", "action", "observation"),
    [
        ("url,http://evil.test/x", "block", COPIED),
        ("phrase,free robux", "block", COPIED),
        *((row, "terminate", PROCESS) for row in PROGRAM_ROWS),
        ("host,evil.test", "block", messages.connection(process=GAME, host="evil.test.example")),
    ],
)
def test_one_page_and_a_program_are_not_too_common(row: str, action: str, observation: Observation) -> None:
    found = lists(f"{row},{action},high,,,,")
    for detector in all_detectors(found):
        if isinstance(observation, detector.watches):
            for finding in detector.inspect(observation):
                assert decide(finding, observation, GUARD.guarded) == decide(finding, observation)
