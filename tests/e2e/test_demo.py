"""The main job, end to end: real desktop, browser, clipboard, broker, and a program that dies."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image
from vedette_schemas import Action, Alert, State, Where

from tests import brokers

pytestmark = [pytest.mark.system, pytest.mark.desktop, pytest.mark.timeout(180)]
LIST = Path(__file__).parents[2] / "data" / "blocklist.csv"
MARK = "VEDETTE_TEST_MARK"


def marked(mark: str) -> list[str]:
    """Return the command lines of all processes that were started, however indirectly, with our mark."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes() and state != "Z":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.fixture
def mark() -> Generator[str]:
    yield (name := uuid.uuid4().hex)
    deadline = time.monotonic() + 5
    while (left := marked(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, "programs were left behind"


def demo(mark: str, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "vedette_console", "demo", "--list", str(LIST), *options]
    return subprocess.Popen(
        command, env={**os.environ, MARK: mark}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("broker", brokers.KINDS)
@pytest.mark.parametrize("sources", ["events", "portable"])
def test_each_step_leads_to_its_alert_and_the_program_is_gone(
    tmp_path: Path, mark: str, broker: str, sources: str
) -> None:
    with ExitStack() as stack:
        options = ["--json", "--folder", str(tmp_path), *(["--portable"] if sources == "portable" else [])]
        if broker != "embedded":
            running = stack.enter_context(brokers.broker(broker, tmp_path / "broker"))
            options += ["--broker", str(running.address), "--plain"]
        process = stack.enter_context(demo(mark, *options))
        said, words = process.communicate(timeout=150)
    assert process.returncode == 0, words
    alerts = [Alert.model_validate(json.loads(line)) for line in said.splitlines()]
    final = {
        alert.match.where: alert for alert in reversed(alerts) if alert.match and alert.state is State.FINAL
    }
    title, text, program = final[Where.TITLE], final[Where.TEXT], final[Where.PROGRAM]
    assert (title.action, "browser" in title.done) == (Action.ALERT, True)
    assert text.match is not None
    assert text.match.value == "http://malware.vedette.test/payload"
    assert program.done.startswith("ended vedette-demo-program (pid ")
    assert program.times is not None
    assert program.times.ended_at is not None
    assert "taken" in words, "the hops were not told"
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.size == (1280, 800)
        assert len(picture.convert("L").getcolors() or []) > 10, "the screenshot shows nothing"
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_it_leaves_nothing_running(
    tmp_path: Path, mark: str, how: signal.Signals
) -> None:
    with demo(mark, "--folder", str(tmp_path)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("- a listed URL"):
                break
        process.send_signal(how)
        began = time.monotonic()
        process.wait(20)
        assert time.monotonic() - began < 5
    if how is signal.SIGKILL:
        return
    assert process.returncode == 130
    assert not (tmp_path / "demo").exists()
    assert not (tmp_path / "demo.png").exists()
