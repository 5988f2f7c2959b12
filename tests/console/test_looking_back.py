"""`vedette alerts`, `incidents`, `audit` and `report`: what they show of an archive."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner
from vedette_analyzer.grouping import put_into_incidents
from vedette_archive import ArchivedAct, Batch, Entry, Head, Reader, Triaged, Writer, back_up
from vedette_archive.schema.audited import TRIGGERS
from vedette_console.__main__ import app, main
from vedette_console.report import Report
from vedette_console.reporting import read_day
from vedette_schemas import Alert, IncidentStatus, Match, SettingsError, Severity, Where

from tests.archive.history import alert, answer, command, run
from tests.messages import at

HOSTILE = "[red]\x1b[2J\u202eevil\0 <script>alert(1)</script>"
ANNA = "operator@anna"


def told(number: int, **changes: Any) -> Alert:
    match = Match(
        type="host", value="evil.test", subject="evil.test", where=Where.TEXT, list="list.csv", line=7
    )
    return alert(number, **({"match": match, "at": at(60 * number)} | changes))


def store(writer: Writer, *alerts: Alert, **others: Any) -> None:
    with writer.transaction() as books:
        put_into_incidents(books, alerts, books.store(Batch(alerts=alerts, **others)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "operator.toml").write_text('archive = "archive.db"\nidentity = "identity"\n[broker]\n')
    act = ArchivedAct(
        UUID(int=9), ANNA, at(300), "undo", done=True, words="undone: " + HOSTILE, token="x.y.z"
    )
    with Writer(tmp_path / "archive.db") as writer:
        store(
            writer,
            told(1),
            told(2, severity=Severity.CRITICAL, summary=HOSTILE, match=None),
            told(3, host="host-8"),
            told(4, host="host-9", severity=Severity.LOW, match=None),
            runs=(run(count=2, received_at=at(61)),),
            commands=(command(),),
            answers=(answer(outcome=None, ending="expired"),),
            acts=(act,),
            audit=(Entry(at(0), "analyzer@0", "analyzer.started", "version 1"),),
        )
        with Reader(tmp_path / "archive.db") as reader, writer.transaction() as books:
            last = reader.incidents.page().incidents[0]
            note = Triaged((last.id,), ANNA, at(400), IncidentStatus.ACKNOWLEDGED, "anna", "a look")
            books.incidents.triage(note)
    return tmp_path


def vedette(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "160", "TZ": "UTC"})
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.stdout


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    monkeypatch.setattr(sys, "argv", ["vedette", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_alerts_are_shown_the_newest_last(folder: Path) -> None:
    code, said = vedette("alerts", "--folder", folder)
    assert code == 0
    rows = said.splitlines()
    assert [line.split()[3] for line in rows] == ["host-7:", "host-7:", "host-8:", "host-9:"]
    assert "high        host-7: host 'evil.test' in the copied text  list.csv:7; alerted" in rows[0]


def test_alerts_may_be_of_one_host_grave_and_few(folder: Path) -> None:
    def ids(*words: str) -> list[int]:
        code, said = vedette("alerts", "--folder", folder, "--json", *words)
        assert code == 0
        return [UUID(json.loads(line)["id"]).int for line in said.splitlines()]

    assert ids() == [1, 2, 3, 4]
    assert ids("--host", "host-7") == [1, 2]
    assert ids("--severity", "critical") == [2]
    assert ids("--last", "2") == [3, 4]
    assert ids("--host", "host-nil") == []
    assert ids("--since", f"{at(150).astimezone():%Y-%m-%dT%H:%M:%S}") == [3, 4]
    assert ids("--since", "1s", "--last", "9") == []


def test_what_comes_is_followed(folder: Path) -> None:
    words = ["alerts", "--folder", str(folder), "--follow", "--json", "--last", "1", "--severity", "medium"]
    command = [sys.executable, "-m", "vedette_console", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        killer = threading.Timer(30, following.kill)
        killer.start()
        assert following.stdout is not None
        seen = [json.loads(following.stdout.readline())["id"]]
        with Writer(folder / "archive.db") as writer:
            store(writer, told(5, severity=Severity.LOW), told(6), told(7))
        seen += [json.loads(following.stdout.readline())["id"] for _ in range(2)]
        killer.cancel()
        following.terminate()
    assert [UUID(name).int for name in seen] == [3, 6, 7]


def test_who_follows_an_archive_that_is_replaced_is_told(folder: Path, tmp_path: Path) -> None:
    words = ["alerts", "--folder", str(folder), "--follow", "--json", "--last", "1"]
    command = [sys.executable, "-m", "vedette_console", *words]
    with Writer(tmp_path / "other.db") as writer:
        store(writer, told(8))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        killer = threading.Timer(30, following.kill)
        killer.start()
        assert following.stdout is not None
        following.stdout.readline()
        with Writer(folder / "archive.db") as writer:
            store(writer, told(6))
        following.stdout.readline()  # it follows
        (tmp_path / "other.db").replace(folder / "archive.db")
        _, said = following.communicate()
        killer.cancel()
    assert following.returncode == 2
    assert "was replaced by another archive: follow that one anew" in said
    assert said.count("\n") == 1


def test_what_comes_is_shown_as_what_was_there(folder: Path) -> None:
    words = ["alerts", "--folder", str(folder), "--follow", "--last", "1", "--severity", "medium"]
    command = [sys.executable, "-m", "vedette_console", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        killer = threading.Timer(30, following.kill)
        killer.start()
        assert following.stdout is not None
        first = following.stdout.readline()
        with Writer(folder / "archive.db") as writer:
            store(writer, told(5, host="host-8", at=at(180)))
        assert following.stdout.readline() == first
        killer.cancel()
        following.terminate()


@pytest.mark.parametrize("words", [("alerts",), ("search",), ("audit",), ("incidents",)])
def test_on_a_terminal_of_80_columns_words_are_whole(folder: Path, words: tuple[str, ...]) -> None:
    host, author = "reception-desk-laptop-03", "operator@" + "a" * 40
    entry = Entry(at(0), author, "certificate.revoked", "words of some length, " * 9, host=host)
    with Writer(folder / "archive.db") as writer:
        store(writer, told(9, host=host, match=None, done="done at some length " * 9), audit=(entry,))
    shown = CliRunner().invoke(
        app, [*words, "--folder", str(folder)], env={"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80"}
    )
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    there = set(shown.stdout.replace(":", " ").split())
    assert host in there
    if words == ("audit",):
        assert {author, "certificate.revoked"} <= there
    assert not any(line.strip() in {"e", "th", "ngth"} for line in lines)


def test_the_server_is_called_so_and_for_machines_as_ever(folder: Path) -> None:
    with Writer(folder / "archive.db") as writer:
        store(writer, told(9, host="0", match=None))
    for words in (("alerts",), ("search",), ("incidents",), ("report", "--day", "2026-11-21")):
        code, said = vedette(*words, "--folder", folder)
        assert code == 0
        assert "server" in said
        assert " 0: " not in said
        assert '"host": "0"' in vedette(*words, "--folder", folder, "--json")[1] or words[0] == "report"
    for what in ("alerts", "search"):
        said = vedette(what, "--folder", folder, "--host", "server")[1]
        assert (said.count("\n"), "server: " in said) == (1, True)


def test_incidents_that_are_not_resolved_are_listed_by_score(folder: Path) -> None:
    code, said = vedette("incidents", "--folder", folder, "--json")
    assert code == 0
    found = json.loads(said)
    assert [(each["host"], each["status"]) for each in found] == [
        ("host-7", "open"),
        ("host-8", "open"),
        ("host-9", "acknowledged"),
    ]
    assert [each["score"] for each in found] == sorted((each["score"] for each in found), reverse=True)
    code, said = vedette("incidents", "--folder", folder)
    assert code == 0
    assert re.search(r"acknowledged, anna's; 1 alert, (2026-11-21 )?12:04", said)


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["--status", "open"], {"host-7", "host-8"}),
        (["--status", "open", "--status", "acknowledged"], {"host-7", "host-8", "host-9"}),
        (["--status", "resolved"], set[str]()),
        (["--host", "host-8"], {"host-8"}),
        (["--owner", "anna"], {"host-9"}),
        (["--owner", ""], {"host-7", "host-8"}),
        (["--score", "60"], {"host-7"}),
        (["--all"], {"host-7", "host-8", "host-9"}),
    ],
)
def test_incidents_are_found_by_what_is_asked(folder: Path, words: list[str], hosts: set[str]) -> None:
    code, said = vedette("incidents", "--folder", folder, "--json", *words)
    assert code == 0
    assert {each["host"] for each in json.loads(said)} == hosts


def test_one_incident_is_shown_with_what_happened_around_it(folder: Path) -> None:
    with Reader(folder / "archive.db") as reader:
        (incident,) = (each for each in reader.incidents.page().incidents if each.host == "host-7")
    code, said = vedette("incidents", "--folder", folder, "show", str(incident.id)[:8], "--json")
    assert code == 0
    found = json.loads(said)
    assert [line["count"] for line in found["what"]] == [1, 1]
    sorts = [next(iter(set(moment) - {"at", "host"})) for moment in found["timeline"]]
    assert sorts == ["alert", "observation", "observation", "alert"]
    code, said = vedette("incidents", "show", str(incident.id)[:8], "--folder", folder)
    assert code == 0
    assert "\x1b[2J" not in said
    assert "\u202e" not in said


def test_an_incident_that_is_none_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(monkeypatch, capsys, "incidents", "show", "zzz", "--folder", folder)
    assert "no such incident begins with 'zzz': 'vedette incidents --all' lists them" in said
    said = refused(monkeypatch, capsys, "incidents", "show", str(UUID(int=1)), "--folder", folder)
    assert "no such incident" in said


def test_an_owner_that_is_none_is_said_before_anything_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(incidents_of(folder)[0].id)
    said = refused(monkeypatch, capsys, "incidents", "resolve", name, "--owner", "a b", "--folder", folder)
    assert "--owner: an owner is at most 63 letters" in said


def incidents_of(folder: Path) -> Any:
    with Reader(folder / "archive.db") as reader:
        return reader.incidents.page().incidents


def test_the_audit_is_listed_and_searched(folder: Path) -> None:
    def whats(*words: str) -> list[str]:
        code, said = vedette("audit", "--folder", folder, "--json", *words)
        assert code == 0
        return [json.loads(line)["what"] for line in said.splitlines()]

    assert whats() == ["analyzer.started", "act.undo", "command.terminate", "ended.expired"]
    assert whats("--who", ANNA) == ["act.undo"]
    assert whats("--what", "command") == ["command.terminate"]
    assert whats("--host", "host-7") == ["command.terminate", "ended.expired"]
    assert whats("--since", "2026-11-21T12:01:00+00:00") == ["act.undo"]
    assert "act.undo" not in whats("--until", "2026-11-21T12:01:00+00:00")
    ago = datetime.now().astimezone() - at(300)
    assert whats("--since", f"{int(ago.total_seconds()) + 60}s") == ["act.undo"]
    assert "act.undo" in whats("--since", f"{at(240).astimezone():%Y-%m-%dT%H:%M:%S}")
    assert whats("--last", "1") == ["ended.expired"]
    assert whats("--text", "no such words") == []
    code, said = vedette("audit", "--folder", folder)
    assert code == 0
    assert "\x1b[2J" not in said


@pytest.mark.parametrize("words", [("--since", "noon"), ("--until", "2026-99-99"), ("--since", "9" * 50)])
def test_a_time_that_is_none_is_said(
    folder: Path,
    words: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if words[0] == "--since":
        assert "ago, or a day or time" in refused(monkeypatch, capsys, "alerts", "--folder", folder, *words)
    assert "ago, or a day or time" in refused(monkeypatch, capsys, "audit", "--folder", folder, *words)


def test_a_whole_audit_is_told_with_its_head(folder: Path) -> None:
    code, said = vedette("audit", "verify", "--folder", folder)
    assert code == 0
    with Reader(folder / "archive.db") as reader:
        head = reader.audit.head
    first, *others = said.splitlines()
    assert first == f"network: 4 rows, all as they were written; head network:{head}"
    assert others == ["console: not here", "ca: not here"]
    for noted in (str(head), f"network:{head}"):
        assert vedette("audit", "--folder", folder, "verify", "--head", noted)[0] == 0


def test_a_copy_is_verified_where_there_is_nothing_else(folder: Path, tmp_path_factory: Any) -> None:
    copy = tmp_path_factory.mktemp("elsewhere") / "backup.db"
    back_up(folder / "archive.db", copy, lambda _: None)
    with Reader(folder / "archive.db") as reader:
        head = reader.audit.head
    code, said = vedette("audit", "verify", "--archive", copy, "--head", str(head))
    assert (code, said) == (0, f"network: 4 rows, all as they were written; head network:{head}\n")


@pytest.fixture
def changed(folder: Path) -> Path:
    with sqlite3.connect(folder / "archive.db") as connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER {trigger.split()[2]}")
        connection.execute("UPDATE audit SET who = 'operator@ben' WHERE number = 2")
        for trigger in TRIGGERS:
            connection.execute(trigger)
    connection.close()
    return folder


def test_a_row_that_was_changed_is_said(changed: Path) -> None:
    only = ("--book", "network")
    assert vedette("audit", "verify", "--folder", changed, *only) == (1, "network: row 2 was changed\n")
    code, said = vedette("audit", "verify", "--folder", changed, *only, "--json")
    assert code == 1
    assert json.loads(said)["wrong"] == [{"row": 2, "words": "row 2 was changed"}]
    code, said = vedette("archive", "check", "--folder", changed)
    assert code == 1
    assert "audit: row 2 was changed" in said


def test_a_head_that_is_none_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(monkeypatch, capsys, "audit", "verify", "--head", "7", "--folder", folder)
    assert "a head is written NUMBER:HASH" in said
    none = str(Head(9, "0" * 64))
    code, said = vedette("audit", "verify", "--folder", folder, "--head", none)
    assert code == 1
    assert said.startswith("network: row 9 was noted and is not there: the end of the chain was taken away\n")
    said = refused(monkeypatch, capsys, "audit", "verify", "--head", f"ca:{none}", "--folder", folder)
    assert "--head ca:…: that chain is not here" in said


def test_a_day_is_told(folder: Path) -> None:
    vain = ArchivedAct(
        UUID(int=10),
        ANNA,
        at(360),
        "order",
        done=False,
        words="no enforcer of nohost has been heard",
        token="x.y.z",
    )
    with Writer(folder / "archive.db") as writer:
        store(writer, acts=(vain,))
    code, said = vedette("report", "--folder", folder, "--day", "2026-11-21")
    assert code == 0
    assert "1 critical   2 high   1 low" in said
    assert "evil.test" in said
    assert said.startswith("Vedette, Saturday 21 November 2026, by this machine's clock (")
    done, refusals = said.split("What was refused, and not done")
    for words in (
        r"by operators +1 order taken back\n",
        r"ordered +1 program to end\n",
        r"on hosts +1 not done in time\n",
        r"by Vedette +1 start of the analyzer\n",
        r"12:05 +operator@anna: undone",
    ):
        assert re.search(words, re.sub(r" +\n", "\n", done)), words
    assert "blocking" not in done
    assert re.search(r"12:06 +operator@anna: no enforcer of nohost has been heard", refusals)
    assert "\x1b[2J" not in said


def test_a_day_is_told_to_programs(folder: Path) -> None:
    code, said = vedette("report", "--folder", folder, "--day", "2026-11-21", "--json")
    assert code == 0
    found = json.loads(said)
    assert found["alerts"] == {"critical": 1, "high": 2, "low": 1}
    assert [(each["value"], each["alerts"]) for each in found["hosts"]] == [
        ("host-7", 2),
        ("host-8", 1),
        ("host-9", 1),
    ]
    assert len(found["incidents"]) == 3


def test_a_day_of_which_nothing_is_known_is_told(folder: Path) -> None:
    code, said = vedette("report", "--folder", folder, "--day", "2030-01-01")
    assert code == 0
    assert "no alerts" in said


def test_a_day_is_one_page_that_asks_nobody(folder: Path, tmp_path: Path) -> None:
    code, _ = vedette("report", "--folder", folder, "--day", "2026-11-21", "--html", tmp_path / "day.html")
    assert code == 0
    page = (tmp_path / "day.html").read_text("utf-8")
    assert "evil.test" in page
    assert "2 high" in page
    assert "&lt;script&gt;alert(1)" in page
    assert not {"\x1b", "\0", "\u202e"} & set(page)
    for what in ("<script", "src=", "href=", "url(", "@import"):
        assert what not in page


@pytest.mark.parametrize("there", ["link", "queue", "folder"])
def test_a_page_is_its_owners_and_written_through_no_link(
    folder: Path,
    tmp_path: Path,
    there: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine").write_text("as it was")
    (tmp_path / "link").symlink_to("mine")
    os.mkfifo(tmp_path / "queue")
    (tmp_path / "folder").mkdir()
    refused(monkeypatch, capsys, "report", "--folder", folder, "--html", tmp_path / there)
    assert (tmp_path / "mine").read_text() == "as it was"
    vedette("report", "--folder", folder, "--html", tmp_path / "day.html")
    assert stat.S_IMODE((tmp_path / "day.html").stat().st_mode) == 0o600


@pytest.mark.parametrize("day", ["", "soon", "2026-13-01", "0001-01-01", "9999-12-31", "2026-11-21T12:00"])
def test_a_day_that_is_none_is_said(day: str) -> None:
    with pytest.raises(SettingsError, match=r"--day .*: give a date"):
        read_day(day)


def test_days_have_names() -> None:
    today = datetime.now().astimezone().date()
    assert (read_day("today"), read_day(" Yesterday ")) == (today, today - timedelta(days=1))


@pytest.mark.parametrize("words", [["alerts"], ["incidents"], ["audit"], ["report"], ["audit", "verify"]])
def test_a_folder_that_is_none_is_said(
    tmp_path: Path,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = refused(monkeypatch, capsys, *words, "--folder", tmp_path)
    assert "name the folder of 'vedette up' with --folder" in said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "alerts an hour, from 00:00"),
        (-120, "alerts an hour, from 00:00"),
        (330, "alerts an hour of UTC, from 23:30 the day before"),
        (345, "alerts an hour of UTC, from 23:45 the day before"),
        (-210, "alerts an hour of UTC, from 23:30 the day before"),
    ],
)
def test_a_day_whose_hours_are_not_those_of_utc_says_from_when_it_counts(minutes: int, said: str) -> None:
    since = datetime(2026, 11, 20, tzinfo=timezone(timedelta(minutes=minutes)))
    found = Report(since, since + timedelta(days=1), (), (), (), (), (), {}, {}, (), (), {})
    assert found.scale == said
