"""A report is judged and archived once; what can't be read or is deadly is set aside, and told."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vedette_analyzer.core import Analyzer
from vedette_analyzer.detectors import all_detectors
from vedette_analyzer.intake import Intake
from vedette_analyzer.suspects import DEATHS, JudgingMark, Suspects, Trial, TrialEnded
from vedette_archive import Batch, Place, Reader, Run, Writer
from vedette_schemas import Ack, Alert, Arrived, Mode, Ranges, Report, Unreadable
from vedette_transport import Call, Inbox
from vedette_transport.delivery import Receiver

from tests import messages
from tests.analyzer.lists import lists
from tests.messages import NOON, at

BAD = Unreadable("no observation (missing)", b"{}")


class Desk:
    def __init__(self, folder: Path, deaths: dict[Place, int] | None = None) -> None:
        self.writer, self.inbox = Writer(folder / "archive.db"), Inbox()
        self.reader = Reader(folder / "archive.db")
        self.receiver = Receiver(self.reader.books)
        analyzer = Analyzer(
            all_detectors(lists("phrase,robux,alert,low,,,,")), lambda _: Mode.ENFORCE, lambda _: None
        )
        self.mark = JudgingMark(folder / "judging")
        settings = folder / "analyzer.toml"
        (folder / "list.csv").write_text("type,value,action,severity,expires,source,attack,comment\n")
        settings.write_text('lists = ["list.csv"]\nidentity = "i"\narchive = "archive.db"\n')
        self.suspects = Suspects(deaths or {}, settings, self.inbox)
        self.intake = Intake(self.receiver, analyzer, self.mark, self.suspects)

    def report(self, report: Report, *items: Any, second: float = 0) -> list[Any]:
        arrived = Arrived(report, items or report.items)
        return list(self.intake.report(arrived, 1000, at(second), lambda: NOON))

    def commit(self, effects: list[Any]) -> list[Ack]:
        batch = self.receiver.batch()
        with self.writer.transaction() as books:
            books.store(Batch(runs=tuple(effect for effect in effects if isinstance(effect, Run))))
        return self.receiver.committed(batch)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.reader.close()
    found.writer.close()


COPIED = messages.report(messages.clipboard("robux"), messages.clipboard("robux"))


def test_a_report_is_acked_once_it_is_archived_and_judged_once(desk: Desk) -> None:
    effects = desk.report(COPIED)
    assert not any(isinstance(effect, Ack) for effect in effects)
    assert len([effect for effect in effects if isinstance(effect, Alert)]) == 2
    assert desk.report(COPIED) == [], "it is judged already"
    (ack,) = desk.commit(effects)
    assert ack.streams[0].ranges == ((1, 2),)
    (again,) = desk.report(COPIED)
    assert isinstance(again, Ack)
    assert again.streams[0].ranges == ((1, 2),)


def test_what_can_not_be_read_is_archived_as_it_came_and_told_now_and_then(desk: Desk) -> None:
    effects = desk.report(COPIED, COPIED.items[0], BAD)
    (run,) = (effect for effect in effects if isinstance(effect, Run))
    assert run.unreadable == {2: BAD}
    assert run.items.endswith(",null]")
    told = [effect.summary for effect in effects if isinstance(effect, Alert)]
    assert told[1:] == ["an observation of sensor@host-7 could not be read: no observation (missing)"]
    desk.commit(effects)
    assert desk.reader.counts().unreadable == 1
    assert desk.reader.counts().archived == 2
    third = COPIED.model_copy(update={"first": 3})
    assert not any(isinstance(effect, Alert) for effect in desk.report(third, BAD, BAD, second=10))
    fifth = COPIED.model_copy(update={"first": 5})
    (alert,) = (effect for effect in desk.report(fifth, BAD, second=61) if isinstance(effect, Alert))
    assert alert.summary.endswith("(1 more like this were held back)")


def test_the_mark_outlives_the_analyzer_and_is_clear_otherwise(desk: Desk, tmp_path: Path) -> None:
    desk.report(COPIED)
    assert JudgingMark(tmp_path / "judging").left_behind() is None
    child = os.fork()
    if child == 0:
        desk.mark.stream(COPIED.stream)
        desk.mark.number(2)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert JudgingMark(tmp_path / "judging").left_behind() == Place(COPIED.stream, 2)


@pytest.mark.parametrize("content", [b"", b"\xff" * 512, b"\x01" + bytes(7) + b"not json", b"x" * 100])
def test_a_damaged_mark_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "judging").write_bytes(content)
    assert JudgingMark(tmp_path / "judging").left_behind() is None


def suspect(folder: Path, deaths: int) -> Desk:
    return Desk(folder, {Place(COPIED.stream, 2): deaths})


def trial_of(desk: Desk, trial: Trial) -> TrialEnded:
    event = desk.inbox.get(timeout=60)
    assert isinstance(event, Call)
    assert isinstance(event.result, TrialEnded)
    assert event.result == TrialEnded(Place(COPIED.stream, 2), trial)
    return event.result


def test_what_was_deadly_twice_waits_for_its_trial_and_is_judged_if_a_child_survives_it(
    tmp_path: Path,
) -> None:
    desk = suspect(tmp_path, DEATHS)
    assert desk.report(COPIED) == [], "it is left: its sender sends it again"
    desk.suspects.ended(*trial_of(desk, Trial.SURVIVED))
    assert len([effect for effect in desk.report(COPIED) if isinstance(effect, Alert)]) == 2


@pytest.mark.parametrize("deaths", [DEATHS, DEATHS + 1])
def test_what_kills_the_child_too_is_set_aside_and_told(
    tmp_path: Path, deaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import os, sys\nif 'trial' in str(sys.orig_argv): os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    desk = suspect(tmp_path, deaths)
    if deaths == DEATHS:
        assert desk.report(COPIED) == []
        desk.suspects.ended(*trial_of(desk, Trial.DIED))
    effects = desk.report(COPIED)
    (run,) = (effect for effect in effects if isinstance(effect, Run))
    assert list(run.unreadable) == [2]
    assert "again and again" in run.unreadable[2].reason
    assert any(isinstance(effect, Alert) and effect.detector == "unreadable" for effect in effects)
    assert desk.receiver.pending(COPIED.sender) == {COPIED.stream: Ranges.span(1, 2)}
