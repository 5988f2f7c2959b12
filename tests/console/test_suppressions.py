"""What consoles make of alerts and words, and how what is suppressed is listed."""

import io
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner
from vedette_archive import Batch, Hidden, Reader, Suppression, SuppressionEnded, Writer
from vedette_console.__main__ import app, main
from vedette_console.suppressing import read_entry, scope_of, suppress_all, wanted
from vedette_console.suppressions import table
from vedette_indicators import canonical
from vedette_indicators.indicator import IndicatorType
from vedette_schemas import (
    MAX_TTL,
    Alert,
    Kind,
    ListEntry,
    Match,
    Origin,
    Scope,
    SettingsError,
    Where,
)

from tests.archive.history import alert
from tests.messages import SPOOL, at

NOW = at(10)
FIRST, SECOND = UUID(int=0xA1 << 120), UUID(int=0xA2 << 120)
EVIL = {"type": "host", "value": "evil.test"}


def match(**changes: Any) -> Match:
    fields: dict[str, Any] = {"type": "host", "value": "evil.test", "subject": "a.evil.test"}
    fields |= {"where": Where.TEXT, "list": "blocklist.csv", "line": 7}
    return Match(**(fields | changes))


def origin(kind: Kind = Kind.WINDOW) -> Origin:
    return Origin(principal="sensor@host-7", spool=SPOOL, kind=kind, number=1)


def found(**changes: Any) -> Alert:
    fields: dict[str, Any] = {"match": match(), "origin": origin()}
    return alert(**(fields | changes))


# From an alert to what is suppressed


@pytest.mark.parametrize(
    ("alert", "scope"),
    [
        (found(), Scope(host="host-7", indicator=ListEntry(type="host", value="evil.test"))),
        (found(origin=None), Scope(host="host-7", indicator=ListEntry(type="host", value="evil.test"))),
        (found(match=None, detector="look-alike-text"), Scope(host="host-7", detector="look-alike-text")),
        (alert(detector="silent-host"), None),
        (alert(detector="act"), None),
        (found(match=None, origin=origin(Kind.OUTCOME), detector="command-refused"), None),
        (found(match=match(value="x" * 1_000)), None),
        (found(match=match(value="a\nb")), None),
    ],
)
def test_an_alert_is_suppressed_by_its_entry_on_its_host(alert: Alert, scope: Scope | None) -> None:
    assert scope_of(alert) == scope


def test_everywhere_is_without_a_host() -> None:
    assert scope_of(found(), everywhere=True) == Scope(indicator=ListEntry(type="host", value="evil.test"))


def test_of_many_alerts_each_scope_is_suppressed_once() -> None:
    alerts = [found(), found(host="host-8"), found(), alert(), found(match=match(value="worse.test"))]
    acts = suppress_all(alerts, reason=" our own ", seconds=60)
    assert [(act.scope.host, act.scope.indicator and act.scope.indicator.value) for act in acts] == [
        ("host-7", "evil.test"),
        ("host-8", "evil.test"),
        ("host-7", "worse.test"),
    ]
    assert {(act.reason, act.ttl_seconds) for act in acts} == {("our own", 60)}
    assert len(suppress_all(alerts, reason="x", seconds=60, everywhere=True)) == 2


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 201, "\x1b[31m"])
def test_a_reason_is_one_line_for_others_to_read(reason: str) -> None:
    with pytest.raises(SettingsError, match="one line of 1 to 200 characters"):
        wanted(Scope(host="host-7"), reason=reason, seconds=60)


@pytest.mark.parametrize("seconds", [0, -1, MAX_TTL + 1])
def test_nothing_is_suppressed_for_ever(seconds: int) -> None:
    with pytest.raises(SettingsError, match="for at most 30 days"):
        wanted(Scope(host="host-7"), reason="x", seconds=seconds)


# From words to an entry

ALERTS = (
    found(),
    found(match=match(type="program", value="Setup.exe", subject="setup.exe")),
    found(match=match(type="phrase", value="evil.test page", subject="evil.test page")),
    found(match=match(type="host", value="both.test", subject="both.test")),
    found(match=match(type="phrase", value="both.test", subject="both.test")),
    alert(),
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("host evil.test", "host", "evil.test"),
        ("HOST  EVIL.test. ", "host", "evil.test"),
        ("url http://evil.test/a/../b", "url", "evil.test/b"),
        ("ip:port 192.0.2.7:80", "ip:port", "192.0.2.7:80"),
        ("program a b", "program", "a b"),
        ("evil.test", "host", "evil.test"),
        ("a.evil.test", "host", "evil.test"),
        ("setup.EXE", "program", "Setup.exe"),
        ("Evil.test page", "phrase", "evil.test page"),
    ],
)
def test_an_entry_is_named_by_its_type_or_by_what_was_told(text: str, kind: str, value: str) -> None:
    entry = read_entry(text, ALERTS)
    assert (entry.type, entry.value) == (kind, value)
    assert canonical(IndicatorType(kind), entry.value) == entry.value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("other.test", "no alert of late is about that; say which type of entry it is, one of host, url"),
        ("both.test", "can be several: give 'host both.test' or 'phrase both.test'"),
        ("host test", "no list can hold the host 'test': a single label"),
        ("program " + "x" * 2_000, "too long to be named"),
        ("path /a\x07b", "no single line"),
        ("domain evil.test", "no alert of late"),
        ("host", "no alert of late"),
        ("\x1b[31m", "no alert of late"),
    ],
)
def test_what_names_no_entry_is_said(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        read_entry(text, ALERTS)
    assert "\x1b" not in str(refused.value)


# What is listed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    with Writer(tmp_path / "archive.db") as writer:
        writer.store(Batch(suppressing=tuple(records())))
    return tmp_path


def records() -> list[Any]:
    week, day = at(7 * 86_400), at(86_400)
    ours = Suppression(
        FIRST, "operator@anna", "our [red]own", at(0), week, host="host-7", indicator="host|evil.test"
    )
    wide = Suppression(SECOND, "console@main/ben", "too loud", at(1), day, detector="look-alike-text")
    over = Suppression(UUID(int=3), "operator@anna", "x", at(0), at(5), host="host-8")
    lifted = Suppression(UUID(int=4), "operator@anna", "x", at(0), day, host="host-9")
    return [
        *(ours, wide, over, lifted),
        SuppressionEnded(over.id, at(6)),
        SuppressionEnded(lifted.id, at(7), "operator@ben"),
        *(
            Hidden(FIRST, found(id=UUID(int=number), at=at(number), summary="\x9b2J\u202eevil"))
            for number in (8, 9)
        ),
    ]


def vedette(*words: str | Path) -> tuple[int, str]:
    came = CliRunner().invoke(app, [*map(str, words)])
    return came.exit_code, came.stdout


def shown(found: Table) -> list[str]:
    screen = Console(width=100, file=io.StringIO(), highlight=False)
    screen.print(found)
    assert isinstance(screen.file, io.StringIO)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


def test_what_is_in_force_is_listed_with_who_why_until_and_how_many(folder: Path) -> None:
    with Reader(folder / "archive.db") as reader:
        first, second, third, *rest = shown(table(reader.suppressed.in_force(NOW), NOW))
        everything = " ".join(shown(table(reader.suppressed.newest(), NOW)))
    assert first == "a1000000  host evil.test on host-7"
    assert second.strip().startswith("6 d left, until 2026-11-28 ")
    assert second.endswith(": our [red]own")
    assert third.strip().startswith("has hidden 2 alerts, the last ")
    assert rest[0] == "a2000000  all that look-alike-text finds on all hosts"
    assert "by console@main/ben" in rest[1]
    assert "over since" in everything
    assert "lifted by operator@ben" in everything


def test_machines_are_told_the_same(folder: Path) -> None:
    code, text = vedette("suppressions", "--folder", folder, "--all", "--json")
    assert code == 0
    told = {each["id"]: each for each in json.loads(text)}
    assert len(told) == 4
    ours = told[str(FIRST)]
    assert (ours["indicator"], ours["host"], ours["detector"]) == (EVIL, "host-7", None)
    assert (ours["by"], ours["reason"], ours["hidden"]) == ("operator@anna", "our [red]own", 2)
    assert told[str(UUID(int=4))]["ended_by"] == "operator@ben"


def test_what_was_hidden_is_shown(folder: Path) -> None:
    code, text = vedette("suppressions", "show", "a1", "--folder", folder)
    assert code == 0
    assert text.count("host 'evil.test' in the copied text  blocklist.csv:7") == 2
    code, text = vedette("suppressions", "--folder", folder, "show", "a1", "--last", "1", "--json")
    assert [json.loads(line)["id"] for line in text.splitlines()] == [str(UUID(int=9))]
    assert text.isascii()  # nothing in it acts on a terminal
    assert "nothing that is still kept" in vedette("suppressions", "show", "a2", "--folder", folder)[1]


def test_an_empty_archive_lists_nothing(folder: Path) -> None:
    for file in folder.glob("archive.db*"):
        file.unlink()
    Writer(folder / "archive.db").close()
    assert vedette("suppressions", "--folder", folder) == (0, "nothing is suppressed\n")
    assert vedette("suppressions", "--folder", folder, "--all") == (0, "nothing was suppressed yet\n")
    assert vedette("suppressions", "--folder", folder, "--json") == (0, "[]\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["suppressions", "--folder", "nowhere"], "nowhere/operator.toml is not there"),
        (["suppressions", "show", "f"], "no such suppression begins with 'f': 'vedette suppressions --all'"),
        (["suppressions", "lift", "a"], "'a' is the beginning of several ids"),
        (["suppress", "why"], "say what is to be suppressed"),
        (["suppress", "why", "--host", "HOST"], "give lower-case letters"),
        (["suppress", "why", "--indicator", "host evil.test", "--host", ""], "--host '': give lower-case"),
        (["suppress", "why", "--host", "host-7", "--detector", ""], "--detector '': no name of a detector"),
        (["suppress", "why", "--host", "host-7", "--indicator", ""], "--indicator '': no alert of late"),
        (["suppress", "why", "--detector", "a b"], "--detector 'a b': no name of a detector"),
        (["suppress", "why", "--indicator", "x"], "no alert of late is about that"),
        (["suppress", "why", "--host", "host-7", "--for", "31d"], "give 90s, 30m, 2h or 7d, at most 30d"),
        (["suppress", " ", "--host", "host-7"], "the reason has to be one line"),
        (["suppress", "why", "--host", "host-7"], "identity: no certificate is there yet"),
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
