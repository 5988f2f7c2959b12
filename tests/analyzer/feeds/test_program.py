"""The program itself: once and for good, killed while it writes, ended with who started it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from vedette_analyzer.feeds.folder import FeedFiles
from vedette_analyzer.feeds.trouble import FeedTrouble
from vedette_indicators import read_list
from vedette_schemas import decode

from tests.analyzer.feeds.source import Source, answer, source
from tests.analyzer.feeds.test_feed import hosts

pytestmark = pytest.mark.system


@pytest.fixture
def served() -> Iterator[Source]:
    with source() as serving:
        yield serving


def command(folder: Path, *options: str) -> list[str]:
    places = ["--settings", str(folder / "feeds.toml"), "--folder", str(folder / "kept")]
    return [sys.executable, "-m", "vedette_analyzer.feeds", *places, *options]


def once(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, "--once"), capture_output=True, text=True, check=False, timeout=60)


def until(condition: Callable[[], object]) -> None:
    """Wait for what another process does to files."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def size(path: Path) -> int:
    """How long a file is; less than nothing where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def entries(folder: Path) -> int:
    good, bad = read_list((folder / "kept" / "x.csv").read_bytes(), name="x")
    assert bad == ()
    return len(good)


def test_once(tmp_path: Path, served: Source) -> None:
    served.behaviours["/"] = answer(hosts(3))
    (tmp_path / "feeds.toml").write_text(
        f'[feed.x]\nsource = "{served.url()}"\nformat = "hosts"\nprivate = true\n'
        f'[feed.y]\nsource = "{served.url("/none?key=secret")}"\nformat = "hosts"\nprivate = true\n'
    )
    ended = once(tmp_path)
    assert ended.returncode == 1
    assert ended.stdout == "feed y: can't be fetched: it answers with an error (404)\n"
    assert entries(tmp_path) == 3
    assert "secret" not in ended.stderr + "".join(path.read_text() for path in (tmp_path / "kept").iterdir())
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".csv", ".json", ".content", ""}


@pytest.mark.parametrize("text", ["feed = 3", "[feed.x]\nsource = 'x'\n", "["])
def test_settings_that_can_not_be_used_are_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "feeds.toml").write_text(text)
    ended = once(tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"vedette-feeds: {tmp_path / 'feeds.toml'}: ")
    assert ended.stderr.count("\n") == 1


def test_a_folder_that_can_not_be_used_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'x'\nformat = 'hosts'\n")
    (tmp_path / "kept").touch()
    ended = once(tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "feeds can't be kept there" in ended.stderr


def test_it_tells_in_lines_and_takes_what_is_accepted(tmp_path: Path, served: Source) -> None:
    (tmp_path / "list.txt").write_text(hosts(10))
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'list.txt'\nformat = 'hosts'\n")
    files = FeedFiles(tmp_path / "kept", "x")
    program = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        until(lambda: files.list.exists() and entries(tmp_path) == 10)
        (tmp_path / "list.txt").write_text(hosts(2))
        assert program.stdout is not None
        told = decode(FeedTrouble, program.stdout.readline())
        assert (told.feed, "2 entries where there were 10" in told.summary) == ("x", True)
        until(lambda: (record := files.read()) is not None and record.held is not None)
        record = files.read()
        assert record is not None
        assert record.held is not None
        files.accepted.write_text(record.held.digest)
        until(lambda: entries(tmp_path) == 2)
    finally:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_killed_while_it_writes_the_old_list_is_there_or_the_new(tmp_path: Path, share: float) -> None:
    (tmp_path / "list.txt").write_text(hosts(1_000))
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'list.txt'\nformat = 'hosts'\n")
    assert once(tmp_path).returncode == 0
    (tmp_path / "list.txt").write_text(hosts(100_000))
    old, new = tmp_path / "kept" / "x.csv", tmp_path / "kept" / "x.csv.new"
    program = subprocess.Popen(command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: size(new) > share * 3_500_000 or size(old) > 1_000_000)
    finally:
        program.kill()
        program.wait()
    assert entries(tmp_path) in {1_000, 100_000}
    assert once(tmp_path).returncode == 0
    assert entries(tmp_path) == 100_000
    assert not list((tmp_path / "kept").glob("*.new"))


def test_it_ends_with_who_started_it(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'x'\nformat = 'hosts'\n")
    starter = "import json, os, subprocess, sys, time; "
    starter += "words = [*json.loads(sys.argv[1]), '--parent', str(os.getpid())]; "
    starter += "print(subprocess.Popen(words).pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen(
        [sys.executable, "-c", starter, json.dumps(command(tmp_path))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until((tmp_path / "kept" / "x.json").exists)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(
        lambda: not Path(f"/proc/{child}/cmdline").exists() or not Path(f"/proc/{child}/cmdline").read_bytes()
    )
    parent.stdout.close()


def test_only_one_writes_into_a_folder(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'x'\nformat = 'hosts'\n")
    program = subprocess.Popen(command(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until((tmp_path / "kept" / "x.json").exists)
        ended = once(tmp_path)
        assert ended.returncode == 2
        assert "another process keeps feeds there" in ended.stderr
    finally:
        program.kill()
        program.wait()


def test_what_is_kept_of_a_feed_goes_when_it_is_not_named_any_more(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(hosts(3))
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'list.txt'\nformat = 'hosts'\n")
    assert once(tmp_path).returncode == 0
    (tmp_path / "kept" / "other.json").write_text("{}")
    (tmp_path / "feeds.toml").write_text("[feed.y]\nsource = 'list.txt'\nformat = 'hosts'\n")
    assert once(tmp_path).returncode == 0
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert names == {"lock", "other.json", "x.csv", "y.content", "y.csv", "y.json"}
    assert entries(tmp_path) == 0  # where an analyzer still watches it


def test_a_flood_of_rubbish_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a\n" * 1_100_000)
    (tmp_path / "feeds.toml").write_text("[feed.x]\nsource = 'list.txt'\nformat = 'hosts'\n")
    ended = once(tmp_path)
    assert (ended.returncode, "more than 1000000 lines refused; the first: line 1" in ended.stdout) == (
        1,
        True,
    )
