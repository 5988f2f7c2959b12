from pathlib import Path
from typing import Any

import pytest
import vedette_analyzer.detectors
from hypothesis import given
from hypothesis import strategies as st
from vedette_analyzer.detectors import DETECTORS, Detector, all_detectors
from vedette_analyzer.finding import Finding
from vedette_schemas import Observation, Where

from tests import messages
from tests.analyzer.lists import lists, table

SHA = "ab" * 32
ROWS = (
    "program,game,alert,high,,,,",
    f"hash,{SHA},alert,high,,,,",
    "path,/opt/bad,alert,high,,,,",
    "host,evil.test,alert,high,,,,",
    "ip,192.0.2.7,alert,high,,,,",
    "phrase,free robux,alert,high,,,,",
    "host,old.test,alert,high,2026-11-20,,,",
)
PLAIN = messages.process(executable="/usr/bin/plain")


def found(observation: Observation, *rows: str) -> list[Finding]:
    return [
        finding
        for detector in all_detectors(lists(*(rows or ROWS)))
        if isinstance(observation, detector.watches)
        for finding in detector.inspect(observation)
    ]


def test_every_module_with_a_detector_is_listed() -> None:
    folder = Path(vedette_analyzer.detectors.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "detector", "lists"}
    listed = [detector(lists(*ROWS)) for detector in DETECTORS]
    assert {type(detector).__module__.rpartition(".")[2] for detector in listed} == modules
    assert len({detector.name for detector in listed}) == len(listed)


@pytest.mark.parametrize(
    ("observation", "where", "value"),
    [
        (messages.window(process=messages.process(executable="/opt/game/game")), Where.PROGRAM, "game"),
        (messages.window(process=messages.process(executable="/opt/bad")), Where.PROGRAM, "/opt/bad"),
        (messages.window(process=PLAIN, sha256=SHA), Where.PROGRAM, SHA),
        (messages.window(process=PLAIN, title="Free  Robux!"), Where.TITLE, "free robux"),
        (messages.window(process=None, title="http://a.evil.test/x"), Where.TITLE, "evil.test"),
        (messages.window(process=PLAIN, title="New - game"), Where.TITLE_END, "game"),
        (messages.clipboard("see http://evil.test/"), Where.TEXT, "evil.test"),
        (messages.clipboard("at 192.0.2.7."), Where.TEXT, "192.0.2.7"),
        (messages.started(process=PLAIN, sha256=SHA), Where.PROGRAM, SHA),
        (messages.hashed(process=PLAIN, sha256=SHA), Where.PROGRAM, SHA),
        (messages.connection(), Where.ADDRESS, "192.0.2.7"),
        (messages.connection(address="2001:db8::1", host="www.evil.test"), Where.ADDRESS, "evil.test"),
        (messages.connection(address="::ffff:192.0.2.7"), Where.ADDRESS, "192.0.2.7"),
    ],
)
def test_what_is_listed_is_found_where_it_is(observation: Observation, where: Where, value: str) -> None:
    (finding,) = found(observation)
    assert finding.match is not None
    assert (finding.where, finding.match.indicator.written) == (where, value)


@pytest.mark.parametrize(
    "observation",
    [
        messages.window(process=messages.process(executable="/opt/game/gamer")),
        messages.window(process=messages.process(executable="/opt/bad/fine")),
        messages.window(process=PLAIN, sha256="cd" * 32),
        messages.window(process=PLAIN, title="freerobux"),
        messages.window(process=PLAIN, title="http://notevil.test/"),
        messages.window(process=PLAIN, title="http://old.test/ was listed until yesterday"),
        messages.clipboard("see http://evil.test.good.example/"),
        messages.clipboard("version 192.0.2.7.1"),
        messages.started(process=PLAIN),
        messages.connection(address="192.0.2.70"),
        messages.hashed(process=messages.process(executable="/opt/game/game"), sha256="cd" * 32),
    ],
)
def test_the_nearest_innocent_case_is_not(observation: Observation) -> None:
    assert found(observation) == []


def test_a_table_that_replaces_another_is_used_at_once() -> None:
    holder = lists("phrase,robux,alert,low,,,,")
    detector: Detector[Any] = all_detectors(holder)[1]
    seen = messages.clipboard("cheese and robux")
    assert len(list(detector.inspect(seen))) == 1
    holder.table = table("phrase,cheese,alert,low,,,,", "phrase,robux,alert,low,,,,")
    assert len(list(detector.inspect(seen))) == 2


def test_what_is_only_spoken_of_matters_one_step_less() -> None:
    (visited,) = found(messages.clipboard("http://evil.test/"))
    (spoken,) = found(messages.clipboard("hxxp://evil[.]test/"))
    assert (visited.severity, spoken.severity) == ("high", "medium")


@given(st.text(max_size=300))
def test_no_text_makes_a_detector_fail(text: str) -> None:
    for observation in (messages.window(title=text), messages.clipboard(text)):
        found(observation)
