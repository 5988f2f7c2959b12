"""`vedette hunt`, over a real archive."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from vedette_archive import Batch, Run, Writer
from vedette_console.__main__ import app, main
from vedette_schemas import Observation, Stream, encode

from tests import messages
from tests.messages import NOON, SPOOL, at

HASH = "ab" * 32
SEEN: tuple[Observation, ...] = (
    messages.window(1, title="Sign in - www.lure.test/login?a=b - Browser"),
    messages.window(2, title="Free  ROBUX here"),
    messages.clipboard("secret words and hxxp://lure[.]test/x", 3),
    messages.started(4, process=messages.process(executable="/opt/xmr/xmrig")),
    messages.hashed(5, sha256=HASH),
    messages.connection(6, address="198.51.100.7", host="cdn.lure.test"),
    messages.connection(7, address="2001:db8::1", port=8443),
)


def store(writer: Writer, host: str, *seen: Observation, received_at: datetime = NOON) -> None:
    streams: dict[str, list[Observation]] = {}
    for each in seen:
        streams.setdefault(each.kind, []).append(each)
    runs = (
        Run(
            Stream(f"sensor@{host}", SPOOL, kind),
            1,
            len(items),
            received_at,
            f"[{','.join(encode(item).decode() for item in items)}]",
        )
        for kind, items in streams.items()
    )
    writer.store(Batch(runs=tuple(runs)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Writer(tmp_path / "archive.db") as writer:
        store(writer, "host-7", *SEEN)
        old = datetime.now(UTC) - timedelta(days=3)
        store(writer, "host-8", messages.clipboard("lure.test", seen_at=old), received_at=old)
    return tmp_path


def run(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["hunt", *map(str, words)], env={"COLUMNS": "120"})
    return found.exit_code, found.stdout


def found(folder: Path, *words: str) -> list[dict[str, Any]]:
    code, said = run(*words, "--json", "--folder", folder)
    result: list[dict[str, Any]] = json.loads(said)
    assert code == (0 if result else 1)
    return result


@pytest.mark.parametrize(
    ("expression", "kinds"),
    [
        ("lure.test", ["connection", "clipboard", "window"]),
        ("LURE[.]test.", ["connection", "clipboard", "window"]),
        ("www.lure.test", ["window"]),
        ("https://www.lure.test/login", ["window"]),
        ("http://lure.test/x", ["clipboard"]),
        ("198.51.100.7", ["connection"]),
        ("198.51.100.7:443", ["connection"]),
        ("198.51.100.0/24", ["connection"]),
        ("[2001:db8::1]:8443", ["connection"]),
        ("free robux", ["window"]),
        ("robux", ["window"]),
        ("xmrig", ["process"]),
        ("/opt/xmr/xmrig", ["process"]),
        (HASH, ["program"]),
        ("ure.test", []),
        ("203.0.113.9", []),
        ("no such words", []),
    ],
)
def test_what_is_asked_for_is_found_as_a_list_would_find_it(
    folder: Path, expression: str, kinds: list[str]
) -> None:
    assert [each["kind"] for each in found(folder, expression, "--host", "host-7")] == kinds


def test_a_finding_tells_when_where_and_what_but_not_what_was_copied(folder: Path) -> None:
    copied, connected, *_ = found(folder, "lure.test", "--host", "host-7")[::-1][1:]
    assert copied == {
        "seen_at": at(3).isoformat(),
        "received_at": NOON.isoformat(),
        "host": "host-7",
        "kind": "clipboard",
        "what": "",
        "hits": [{"type": "host", "value": "lure.test", "subject": "lure.test", "where": "copied text"}],
        "origin": {"principal": "sensor@host-7", "spool": SPOOL, "kind": "clipboard", "number": 1},
    }
    assert connected["what"] == "198.51.100.7 port 443 (cdn.lure.test)"
    said = run("lure.test", "--folder", folder)[1]
    assert "Sign in" in said
    assert "secret" not in said


def test_time_host_and_number_narrow_it(folder: Path) -> None:
    def hosts(*words: str) -> set[str]:
        return {each["host"] for each in found(folder, "lure.test", *words)}

    assert hosts() == hosts("--since", "2000-01-01") == {"host-7", "host-8"}
    assert hosts("--host", "host-8") == hosts("--since", "4d", "--host", "host-8") == {"host-8"}
    assert hosts("--since", "2d", "--host", "host-8") == set()
    (newest,) = found(folder, "lure.test", "--most", "1")
    assert newest["seen_at"] == max(each["seen_at"] for each in found(folder, "lure.test"))


def test_what_an_expression_is_can_be_said(folder: Path) -> None:
    assert [each["kind"] for each in found(folder, "xmrig", "--as", "phrase")] == []
    assert [each["kind"] for each in found(folder, "xmrig", "--as", "program")] == ["process"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["com"], "nothing"),
        (["com", "--as", "host"], "single label"),
        (["co.uk", "--as", "host"], "public suffix"),
        (["lure.test", "--since", "yesterday"], "--since 'yesterday': give 90s, 30m, 2h or 7d ago"),
        (["lure.test", "--host", "Host 8"], "--host 'Host 8': give lower-case letters"),
        (["lure.test", "--since", "999999d"], "--since"),
        ([""], "can't be searched for"),
        (["x" * 5_000], "longer than"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(
    folder: Path,
    words: list[str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["vedette", "hunt", *words, "--folder", str(folder)])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == (1 if why == "nothing" else 2)
    assert why in said.out + said.err
    assert "Traceback" not in said.err


def test_where_there_is_no_archive_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["vedette", "hunt", "lure.test", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert (left.value.code, "no archive has been made yet" in capsys.readouterr().err) == (2, True)
