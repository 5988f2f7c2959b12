"""The command line's own part: what is listed, how a command is named, what is refused before it is sent."""

import io
import json
import re
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from typer.testing import CliRunner
from vedette_archive import Batch, Ending, Place, Reader, Undone, Writer
from vedette_console.__main__ import app, main
from vedette_console.actions import current, left, state, table
from vedette_console.deployment import operator_label
from vedette_console.orders import find, seconds
from vedette_schemas import HOST_LABEL, Block, BlockedPage, Isolate, SettingsError, Undo

from tests.archive.history import OUTCOMES, alert, answer, command, run
from tests.messages import at

NOW = at(10)
FIRST, SECOND = UUID("11111111-0000-0000-0000-000000000000"), UUID("11112222-0000-0000-0000-000000000000")


def block(number: int, **changes: Any) -> Any:
    target = BlockedPage(host="evil.test", path="/[red]x")
    return command(number, order=Block(target=target, ttl_seconds=3_600), **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    with Writer(tmp_path / "archive.db") as writer:
        writer.store(
            Batch(
                runs=(run(count=4, stream=OUTCOMES),),
                commands=(
                    command(1),
                    block(2, indicator="url|evil.test/x"),
                    block(3, waits=True, expires_at=at(610)),
                    command(4, order=Isolate(ttl_seconds=60), ordered_by="operator@anna"),
                    block(5),
                    command(6, order=Undo(command_id=UUID(int=5))),
                    block(7),
                    block(18, waits=True),
                    command(19),
                ),
                answers=(
                    answer(1),
                    answer(2, until=at(7_210)),
                    answer(4, until=at(60)),
                    answer(5, until=at(60)),
                    answer(6),
                    answer(7, ending=Ending.EXPIRED, outcome=None),
                    answer(18, ending=Ending.WITHDRAWN, outcome=None),
                    answer(19, ending=Ending.WITHDRAWN, outcome=None),
                ),
                undone=(Undone(UUID(int=5), "operator@anna", at(5), at(60)),),
            )
        )
    return tmp_path


def vedette(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*map(str, words)])
    return found.exit_code, found.stdout


def test_what_is_in_force_waits_or_is_under_way_is_listed(folder: Path) -> None:
    with Reader(folder / "archive.db") as reader:
        found = [(each.id.int, state(each, NOW)) for each in current(reader, NOW)]
        everything = {each.id.int: state(each, NOW) for each in reader.newest_commands()}
    assert found == [
        (3, "waits for approval, 10 min left"),
        (2, "in force, 2 h left"),
        (4, "in force, 50 s left"),
    ]
    assert everything == {
        **dict(found),
        1: "done",
        5: "undone by operator@anna",
        6: "done",
        7: "expired",
        18: "declined",
        19: "taken back",
    }


def test_a_table_and_json_say_the_same(folder: Path) -> None:
    code, shown = vedette("actions", "--folder", folder, "--all")
    assert code == 0
    assert "evil.test/[red]x" in shown, "what a page is called is no markup"
    found = json.loads(vedette("actions", "--folder", folder, "--all", "--json")[1])
    assert len(found) == 9
    assert all(each["id"][:8] in shown for each in found)


UNTIL = "blocked evil.test until 2026-01-01T02:00:00Z; "
LONG = f"{UNTIL}by the hosts file; not covered: {'programs that know the address, ' * 6}and others"


def listed(folder: Path, width: int) -> list[str]:
    """What a terminal of that width shows, in force and open, by a clock ten seconds after the beginning."""
    screen = Console(width=width, file=io.StringIO(), highlight=False)
    with Reader(folder / "archive.db") as reader:
        screen.print(table(current(reader, NOW), NOW))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue().splitlines()


def add(folder: Path, done: str, **ending: Any) -> None:
    """Archive one more block and what the host said to it."""
    told = alert(9, command_id=UUID(int=8), done=done)
    came = answer(8, outcome=Place(OUTCOMES, 5), **ending)
    ordered = block(8, ordered_by="operator@somebody-with-a-long-name")
    with Writer(folder / "archive.db") as writer:
        writer.store(
            Batch(runs=(run(5, stream=OUTCOMES),), commands=(ordered,), alerts=(told,), answers=(came,))
        )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_cut_and_no_name_broken_at_any_width(folder: Path, width: int) -> None:
    add(folder, LONG, until=at(7_210))
    lines = listed(folder, width)
    assert all(len(line) <= width for line in lines)
    words = " ".join(line[10:].rstrip() for line in lines)
    assert "by operator@somebody-with-a-long-name" in words
    assert LONG.removeprefix(UNTIL) in words
    assert words.count("host-7  block evil.test/[red]x") == 3


def test_it_says_where_its_times_are_and_on_which_day(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        header = vedette("actions", "--folder", folder, "--all")[1].splitlines()[0]
        lines = listed(folder, 80)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert re.fullmatch("times are in CES?T", header)
    until = at(7_210).astimezone(ZoneInfo("Europe/Berlin"))
    assert any(f"in force, 2 h left, until {until:%H:%M}" in line for line in lines)


def test_what_a_host_refused_is_listed_with_its_reason(folder: Path) -> None:
    add(folder, "not done: why", ending=Ending.REFUSED)
    assert "not done: why" in vedette("actions", "--folder", folder, "--all")[1]


def test_an_empty_archive_lists_nothing(folder: Path) -> None:
    for file in folder.glob("archive.db*"):
        file.unlink()
    Writer(folder / "archive.db").close()
    assert vedette("actions", "--folder", folder) == (0, "nothing is in force or waits\n")
    assert vedette("actions", "--folder", folder, "--all") == (0, "nothing was ordered yet\n")
    assert vedette("actions", "--folder", folder, "--json") == (0, "[]\n")


def test_a_command_is_named_by_the_beginning_of_its_id() -> None:
    assert find("11111", [FIRST, SECOND]) == FIRST
    assert find("11112", [FIRST, SECOND]) == SECOND
    assert find(str(FIRST).upper(), []) == FIRST


@pytest.mark.parametrize(
    ("text", "says"), [("", "no such"), ("2", "no such"), ("1111", "of several ids"), ("%_", "no such")]
)
def test_what_names_no_command_or_several_is_refused(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        find(text, [FIRST, SECOND])


@pytest.mark.parametrize(("text", "length"), [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800)])
def test_a_time_is_read(text: str, length: int) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "2", "0s", "-1h", "2 h", "31d", "2h30m", "99999999999d", "h", "²h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="give 90s"):
        seconds(text)


def test_what_is_left_is_told_roughly() -> None:
    told = [left(timedelta(seconds=count)) for count in (-1, 59, 119, 120, 7_199, 7_200, 172_800)]
    assert told == ["0 s", "59 s", "119 s", "2 min", "119 min", "2 h", "2 d"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["actions", "--folder", "nowhere"], "nowhere/operator.toml is not there"),
        (["approve", "22222222-0000-0000-0000-000000000000"], "no such command as 2222"),
        (["approve", "2222"], "no such command begins with '2222'"),
        (["approve", "00000000-0000-0000-0000-000000000003"], "identity: no certificate is there yet"),
        (["undo", "0000"], "is the beginning of several ids"),
        (["isolate", "HOST"], "give lower-case letters"),
        (["isolate", "host-7", "--for", "99d"], "give 90s"),
        (["block", "host-7", "a b"], "names no URL"),
    ],
)
def test_each_mistake_is_one_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(folder)
    here = [] if "--folder" in words else ["--folder", "."]
    monkeypatch.setattr(sys, "argv", ["vedette", *words, *here])
    with pytest.raises(SystemExit) as left_with:
        main()
    written = capsys.readouterr()
    assert (left_with.value.code, written.out) == (2, "")
    assert says in written.err
    assert written.err.startswith("vedette: ")
    assert written.err.count("\n") == 1


def test_an_operator_has_a_name_that_fits_a_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, label in (("Anna.B", "anna-b"), ("", "someone"), ("ß", "someone"), ("x" * 99, "x" * 63)):
        monkeypatch.setattr("getpass.getuser", lambda name=name: name)
        assert operator_label() == label
        assert re.fullmatch(HOST_LABEL, label)
