"""An analyzer without the world: reports, heartbeats and time go in, commands and alerts come out."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from vedette_analyzer.core import Analyzer
from vedette_analyzer.detectors import Detector, all_detectors
from vedette_analyzer.orders import Effect, Send
from vedette_archive import ArchivedCommand
from vedette_schemas import Alert, Arrived, Mode, Ranges, Report, Status

from tests import messages
from tests.analyzer.lists import lists
from tests.messages import at

ROWS = (
    "program,game,terminate,high,,,T1204,a game",
    "phrase,robux,alert,low,,,,",
    "host,evil.test,block,high,,,,",
)
GAME = messages.report(messages.window(process=messages.process(executable="/opt/game/game")))


class Harness:
    def __init__(
        self, *rows: str, mode: Mode = Mode.ENFORCE, detectors: tuple[Detector[Any], ...] = ()
    ) -> None:
        self.mode = mode
        self.archived: dict[UUID, ArchivedCommand] = {}
        found = [*detectors, *all_detectors(lists(*(rows or ROWS)))]
        self.analyzer = Analyzer(found, lambda _: self.mode, self.archived.get)

    def effects(self, report: Report, second: float = 0.5) -> list[Effect]:
        return list(judged(self.analyzer, report, lambda: at(second)))

    def report(self, report: Report, second: float = 0.5) -> tuple[list[Send], list[Alert]]:
        return split(judged(self.analyzer, report, lambda: at(second)))

    def status(self, status: Status, second: float = 0) -> tuple[list[Send], list[Alert]]:
        return split(self.analyzer.status(status, at(second)))

    def tick(self, second: float) -> tuple[list[Send], list[Alert]]:
        return split(self.analyzer.tick(at(second)))


def judged(analyzer: Analyzer, report: Report, now: Callable[[], datetime]) -> Iterator[Effect]:
    numbers = Ranges.span(report.first, report.first + len(report.items) - 1)
    return analyzer.report(Arrived(report, report.items), numbers, received_at=at(0.5), now=now)


def split(effects: Iterator[Effect]) -> tuple[list[Send], list[Alert]]:
    found = list(effects)
    sends = [effect for effect in found if isinstance(effect, Send)]
    assert found[: len(sends)] == sends, "commands go first"
    return sends, [effect for effect in found if isinstance(effect, Alert)]


ANSWERS = count(1)


def answer(send: Send, **changes: Any) -> Report:
    outcome = messages.outcome(send.command.id, **changes)
    return messages.report(outcome, sender=str(send.audience), first=next(ANSWERS))
