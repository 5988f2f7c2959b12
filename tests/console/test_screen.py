import json

import pytest
from vedette_console.screen import Screen

from tests.archive.history import alert


def test_what_machines_are_told_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    summary = "\x1b[2J\x9b2J\u202e\u2028\u2066 evil"
    Screen(as_json=True).alert(alert(summary=summary))
    said = capsys.readouterr().out
    assert json.loads(said)["summary"] == summary
    assert said.isascii()
    assert said.removesuffix("\n").isprintable()
