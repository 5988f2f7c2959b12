"""`vedette hosts`: who is there, who is not, and what should be looked at."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from vedette_archive import Batch, Fate, Heard, Told, Writer
from vedette_console.__main__ import app
from vedette_console.ca import Entry
from vedette_console.host_rows import Row, Seen, rows
from vedette_schemas import NOTHING, Life, Mode, Principal, Ranges

from tests.archive.history import WINDOWS, alert
from tests.messages import NOON, at

DAY = timedelta(days=1)


def heard(principal: str, second: float = 0, life: Life = Life.RUNNING, **changes: Any) -> Heard:
    told = Told("0.1.0", {"mode": "enforce"}, 0)._replace(**changes)
    return Heard(principal, life, at(second), told)


def both(host: str, second: float = 0, life: Life = Life.RUNNING, **changes: Any) -> list[Heard]:
    return [heard(f"{program}@{host}", second, life, **changes) for program in ("sensor", "enforcer")]


def entry(principal: str, ends_at: datetime = NOON + 80 * DAY, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "principal": principal,
        "serial": 1,
        "issued_at": ends_at - 90 * DAY,
        "ends_at": ends_at,
        "replaced_at": None,
        "revoked_at": None,
        "pem": "",
    }
    return Entry(**(fields | changes))


def certified(host: str, **changes: Any) -> list[Entry]:
    return [entry(f"{program}@{host}", **changes) for program in ("sensor", "enforcer")]


def row(
    programs: list[Heard],
    entries: list[Entry] | None,
    now: datetime = NOON,
    lost: dict[Fate, int] | None = None,
) -> Row:
    (found,) = rows(Seen(programs, {"a": lost or {}}, frozenset("a" if lost else "")), entries, now)
    return found


def test_a_host_that_is_well_has_no_marks() -> None:
    found = row(both("a", held=3), certified("a"), at(20))
    assert found == Row(
        host="a",
        heard_at=NOON,
        versions=["0.1.0"],
        ceiling=Mode.ENFORCE,
        held=6,
        lost={},
        is_losing=False,
        ends_at=NOON + 80 * DAY,
        is_revoked=False,
        marks=[],
        facts={f"{program}@a": {"mode": "enforce"} for program in ("sensor", "enforcer")},
    )


@pytest.mark.parametrize(
    ("programs", "entries", "marks"),
    [
        ([], certified("a"), ["was never heard"]),
        (both("a"), [], ["is not enrolled with this CA"]),
        (both("a"), None, []),
        (both("a"), certified("a", revoked_at=NOON), ["is revoked"]),
        (both("a"), certified("a", ends_at=NOON + 40 * DAY), []),
        (
            both("a"),
            certified("a", ends_at=NOON + 20 * DAY),
            ["was not renewed: its certificate ends in 20 d"],
        ),
        (both("a"), certified("a", ends_at=NOON - DAY), ["has a certificate that is revoked or has ended"]),
        (both("a", life=Life.STOPPED), certified("a"), ["was stopped"]),
        (both("a", life=Life.GONE), certified("a"), ["is gone without having been stopped"]),
        (
            [heard("sensor@a"), heard("enforcer@a", life=Life.GONE)],
            certified("a"),
            ["enforcer is gone without having been stopped"],
        ),
    ],
)
def test_what_should_be_looked_at_is_marked(
    programs: list[Heard], entries: list[Entry] | None, marks: list[str]
) -> None:
    assert row(programs, entries).marks == marks


def test_what_was_enrolled_anew_counts_by_its_newest_certificate() -> None:
    old = certified("a", ends_at=NOON + DAY, revoked_at=NOON, replaced_at=NOON)
    found = row(both("a"), [*certified("a"), *old])
    assert (found.marks, found.ends_at) == ([], NOON + 80 * DAY)


def test_one_that_was_revoked_before_it_was_heard_is_none() -> None:
    revoked = certified("a", revoked_at=NOON)
    assert rows(Seen([], {}), revoked, NOON) == []
    assert [each.host for each in rows(Seen(both("a"), {}), revoked, NOON)] == ["a"]


def test_losses_are_marked_and_counted() -> None:
    found = row(both("a"), certified("a"), lost={Fate.DROPPED: 1_200, Fate.MISSING: 2})
    assert found.marks == ["1,200 observations dropped", "2 observations missing"]
    assert found.lost == {"dropped": 1_200, "missing": 2}


def test_what_was_lost_long_ago_is_counted_and_no_mark() -> None:
    (found,) = rows(Seen(both("a"), {"a": {Fate.MISSING: 2}}), certified("a"), NOON)
    assert (found.marks, found.lost, found.is_losing) == ([], {"missing": 2}, False)


@pytest.mark.parametrize(
    ("fact", "marks"),
    [
        ("isolated until 10:12 UTC, 2 blocks", ["is isolated until 10:12 UTC"]),
        ("isolated until 2026-11-22 10:12 UTC", ["is isolated until 2026-11-22 10:12 UTC"]),
        ("2 blocks", []),
        ("nothing", []),
        ("isolated until \x1b[2J", []),
    ],
)
def test_an_isolated_host_is_marked_by_its_enforcers_word(fact: str, marks: list[str]) -> None:
    said = [heard("sensor@a"), heard("enforcer@a", facts={"in_force": fact})]
    assert row(said, certified("a")).marks == marks
    stopped = [heard("sensor@a"), heard("enforcer@a", life=Life.STOPPED, facts={"in_force": fact})]
    assert row(stopped, certified("a")).marks == ["enforcer was stopped"]


def test_one_silent_host_is_marked_and_all_of_them_are_our_own_deafness() -> None:
    programs = [*both("a", -120), *both("b", -10)]
    entries = [*certified("a"), *certified("b")]
    first, second = rows(Seen(programs, {}), entries, NOON)
    assert (first.marks, second.marks) == (["is silent"], [])
    later = at(3_600)
    assert Seen(programs, {}).is_stale(later)
    assert [each.marks for each in rows(Seen(programs, {}), entries, later)] == [["is silent"], []]
    assert not Seen(both("a", life=Life.STOPPED), {}).is_stale(later)


def test_what_is_no_host_is_none() -> None:
    assert (
        rows(Seen([], {}), [entry("operator@anna"), entry("analyzer@0"), entry("no principal")], NOON) == []
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    (tmp_path / "analyzer.toml").write_text(
        'mode = "enforce"\nlists = ["x"]\n[hosts.host-8]\nmode = "observe"\n'
    )
    now = datetime.now(NOON.tzinfo)
    with Writer(tmp_path / "archive.db") as writer, writer.transaction() as books:
        for host, ceiling in (("host-7", "approve"), ("host-8", "enforce"), ("n" * 63, "enforce")):
            for principal in (f"sensor@{host}", f"enforcer@{host}"):
                told = Told("0.1.0", {"mode": ceiling, "window": "on"}, 12_345)
                books.heard(principal, Life.RUNNING, now, told)
        books.heard("sensor@host-9", Life.GONE, now - 3 * DAY)
        books.declare(WINDOWS, Fate.DROPPED, Ranges.span(1, 7) | NOTHING)
        books.store(Batch(alerts=(alert(at=now, detector="dropped"),)))
    return tmp_path


def vedette(*words: str | Path) -> str:
    found = CliRunner().invoke(app, [*map(str, words)])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_the_table_fits_and_says_whose_word_the_mode_is(folder: Path) -> None:
    said = vedette("hosts", "--folder", folder)
    assert max(map(len, said.splitlines())) <= 80
    lines = [re.sub(r"\d+ s ago", "now", " ".join(line.split())) for line in said.splitlines()]
    assert lines[0] == "no CA is here: what it has enrolled and revoked is not shown (--ca says where)"
    assert lines[1] == "host heard version mode spool lost certificate"
    first = next(
        at for at, line in enumerate(lines) if line.startswith("host-7 now 0.1.0 approve 24,690 7 -")
    )
    assert lines[first + 1] == "(host)"
    assert any(line.startswith("host-8 now 0.1.0 observe 24,690 0 -") for line in lines)
    assert any(line.startswith("host-9 3 d ago - enforce - 0 -") for line in lines)
    assert "! host-9: is gone without having been stopped" in lines
    assert "! host-7: 7 observations dropped" in lines


def test_what_does_not_fit_is_the_certificates_end_and_never_part_of_a_name(folder: Path) -> None:
    name = "reception-desk-laptop-03"
    with Writer(folder / "archive.db") as writer, writer.transaction() as books:
        books.heard(str(Principal.parse(f"sensor@{name}")), Life.RUNNING, NOON, Told("0.1.0", {}, 2**40))
    said = vedette("hosts", "--folder", folder)
    assert max(map(len, said.splitlines())) <= 80
    assert "certificate" not in said.splitlines()[1]
    assert any(line.startswith(f"{name}  ") and f"{2**40:,}" in line for line in said.splitlines())


def test_a_short_name_breaks_no_heading(folder: Path) -> None:
    (folder / "archive.db").unlink()
    with Writer(folder / "archive.db") as writer, writer.transaction() as books:
        books.heard("sensor@a", Life.RUNNING, datetime.now(UTC), None)
    assert re.search(r"^host +heard", vedette("hosts", "--folder", folder), re.MULTILINE)


def test_programs_are_told_more(folder: Path) -> None:
    told = json.loads(vedette("hosts", "--folder", folder, "--json"))
    first, second, *_ = told["hosts"]
    assert (first["host"], first["mode"], first["ceiling"], first["lost"]) == (
        "host-7",
        "approve",
        "approve",
        {"dropped": 7},
    )
    assert second["mode"] == "observe"
    assert first["facts"]["sensor@host-7"]["window"] == "on"


def test_a_fact_can_not_break_the_table(folder: Path) -> None:
    with Writer(folder / "archive.db") as writer, writer.transaction() as books:
        told = Told("\x1b[31m" + "9" * 27, {"mode": "\x1b[2J"}, 2**63 - 1)
        books.heard(str(Principal.parse("sensor@host-7")), Life.RUNNING, NOON, told)
    said = vedette("hosts", "--folder", folder)
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80
