import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vedette_console.lines import alert_line, count, host_name, milliseconds, plain
from vedette_schemas import Action, Alert, Kind, Match, Mode, Origin, Severity, State, Times, Where

from tests import messages
from tests.messages import at


def alert(**changes: object) -> Alert:
    fields: dict[str, object] = {
        "id": "00000000-0000-0000-0000-000000000007",
        "state": State.FINAL,
        "at": at(0.5),
        "host": "host-7",
        "severity": Severity.HIGH,
        "detector": "listed-window",
        "summary": "the program of the window is listed",
        "mode": Mode.ENFORCE,
        "action": Action.TERMINATE,
        "done": "ended game (pid 4242)",
        "match": Match(
            type="program", value="game", subject="game", where=Where.PROGRAM, list="mine.csv", line=12
        ),
        "origin": Origin(principal="sensor@host-7", spool=messages.SPOOL, kind=Kind.WINDOW, number=1),
        "times": Times(
            seen_at=at(0),
            sent_at=at(0.1),
            received_at=at(0.2),
            judged_at=at(0.3),
            taken_at=at(0.4),
            ended_at=at(0.5),
        ),
    }
    return Alert.model_validate(fields | changes)


def test_a_line_says_when_where_what_in_which_list_and_what_was_done_in_how_long() -> None:
    line = str(alert_line(alert()))
    for part in ("host-7", "high", "program 'game'", "mine.csv:12", "ended game (pid 4242)", "500.0 ms"):
        assert part in line


def test_without_an_outcome_the_time_ends_with_the_verdict() -> None:
    times = Times(seen_at=at(0), sent_at=at(0.1), received_at=at(0.2), judged_at=at(0.3))
    assert milliseconds(alert(times=times)) == pytest.approx(300)
    assert milliseconds(alert(times=None)) is None


def test_what_was_approved_is_told_with_the_time_of_that_and_not_as_if_it_had_been_slow() -> None:
    times = Times(
        seen_at=at(0),
        sent_at=at(0),
        received_at=at(0),
        judged_at=at(0),
        approved_at=at(600),
        taken_at=at(601),
        ended_at=at(601),
    )
    line = str(alert_line(alert(times=times)))
    assert line.startswith(f"{at(600).astimezone():%H:%M:%S}")
    assert " ms" not in line


def test_what_is_not_covered_is_told_to_its_end() -> None:
    assert str(alert_line(alert(done="x" * 900, times=None))).endswith("x" * 900)


def test_an_alert_without_a_match_is_told_by_its_summary() -> None:
    assert "the program of the window is listed" in str(alert_line(alert(match=None)))


def test_control_characters_are_seen_as_in_the_web_console() -> None:
    assert plain("a\nb\t\0\x1b[2J\x7f\u202e") == "a␊b␉␀␛[2J␡\N{REPLACEMENT CHARACTER}"


def test_the_server_is_called_so_and_one_is_one() -> None:
    assert (host_name("0"), host_name("host-7")) == ("server", "host-7")
    assert str(alert_line(alert(host="0"))).split()[1] == "server"
    assert [count(number, "day") for number in (0, 1, 1_000)] == ["0 days", "1 day", "1,000 days"]
    assert count(2, "entry", "entries") == "2 entries"


@given(st.text(max_size=500))
def test_hostile_text_stays_one_harmless_line(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= 200
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in shown)


def test_escape_sequences_and_turned_text_do_not_reach_the_terminal() -> None:
    line = str(alert_line(alert(done="\x1b[2J\u202egnp.exe\n\rroot")))
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert "\n" not in line


def test_nothing_of_an_alert_reaches_the_terminal_as_it_came() -> None:
    hostile = "\x1b[2J\n\u202e"
    match = Match(type=hostile, value=hostile, subject=hostile, where=Where.PROGRAM, list=hostile, line=1)
    cases: list[dict[str, object]] = [
        {"match": match},
        {"match": None, "summary": hostile},
        {"done": hostile},
    ]
    for changes in cases:
        assert not set(hostile) & {"\x1b", "\n", "\u202e"} & set(str(alert_line(alert(**changes))))
