"""An analyzer whose every effect is archived at once, and that can be started anew from its archive."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from vedette_analyzer.core import Analyzer
from vedette_analyzer.detectors import all_detectors
from vedette_analyzer.grouping import put_into_incidents
from vedette_analyzer.orders import Effect, Send
from vedette_analyzer.work import Work
from vedette_archive import ArchivedAct, Reader, Run, Writer
from vedette_schemas import (
    Act,
    Alert,
    Approve,
    Block,
    Direct,
    Isolate,
    Mode,
    Report,
    SelfTest,
    Status,
    TakeBack,
    Wanted,
    digest,
)

from tests import messages
from tests.analyzer.harness import judged
from tests.analyzer.lists import lists
from tests.messages import at

ANNA = "operator@anna"
FACTS = {"terminate": "on", "notify": "on", "block": "on", "isolate": "on", "undo": "on"}
ISOLATE = Isolate(ttl_seconds=7_200)


class Site:
    def __init__(self, folder: Path, *rows: str, mode: Mode = Mode.ENFORCE) -> None:
        self.path, self.rows, self.mode = folder / "archive.db", rows, mode
        self.writer, self.reader = Writer(self.path), Reader(self.path)
        self.number = self.acts = 0
        self.start(0)

    def start(self, second: float) -> None:
        """Start the analyzer, anew if there was one."""
        self.analyzer = Analyzer(
            all_detectors(lists(*self.rows)),
            lambda _: self.mode,
            self.reader.command,
            incident=self.reader.incidents.get,
        )
        suppressed = self.reader.suppressed.not_ended()
        self.analyzer.restore(
            self.reader.open_commands(), self.reader.lasting_commands(at(second)), suppressed
        )

    def heard(self, second: float = 0, **changes: Any) -> list[Send]:
        return self.keep(self.analyzer.status(_status(second, **changes), at(second)))[0]

    def report(
        self, *items: Any, second: float = 1, sender: str = "sensor@host-7"
    ) -> tuple[list[Send], list[Alert]]:
        self.number += 1
        report = messages.report(*items, sender=sender, first=self.number, spool=f"{self.number:016x}")
        return self.keep(self.judged(report, second), report)

    def judged(self, report: Report, second: float) -> Iterator[Effect]:
        """Have a report judged, and nothing archived yet."""
        return judged(self.analyzer, report, lambda: at(second))

    def answer(self, send: Send, second: float = 2, **changes: Any) -> list[Alert]:
        """Have the enforcer answer; return what is told."""
        fields: dict[str, Any] = {"action": send.command.order.action, "reason": "done", "ended": ()}
        outcome = messages.outcome(send.command.id, second, **(fields | changes))
        return self.report(outcome, second=second, sender=str(send.audience))[1]

    def tick(self, second: float) -> list[Alert]:
        return self.keep(self.analyzer.tick(at(second)))[1]

    def act(
        self, what: Wanted, second: float = 3, issuer: str = ANNA
    ) -> tuple[ArchivedAct, list[Send], list[Alert]]:
        act = self.signed(what, second, issuer)
        effects = list(self.analyzer.act(act, "x.y.z", at(second)))
        *_, answered = effects
        assert isinstance(answered, ArchivedAct)
        sends, alerts = self.keep(effects)
        assert self.reader.act(act.id) == answered
        return answered, sends, alerts

    def signed(self, what: Wanted, second: float, issuer: str = ANNA) -> Act:
        """Return an act as the analyzer takes it once its signature was found to hold."""
        self.acts += 1
        name, until = UUID(int=self.acts), at(second + 60)
        return Act(id=name, issuer=issuer, issued_at=at(second), expires_at=until, what=what)

    def approve(self, name: UUID, second: float = 3) -> tuple[ArchivedAct, list[Send], list[Alert]]:
        return self.act(self.approval(name), second)

    def approval(self, name: UUID) -> Approve:
        """Return what approves a command, as the archive tells what that is."""
        known = self.reader.command(name)
        host, order = ("host-7", ISOLATE) if known is None else (known.audience[9:], known.order)
        return Approve(command_id=name, host=host, order=digest(order))

    def undo(self, name: UUID, second: float = 3) -> tuple[ArchivedAct, list[Send], list[Alert]]:
        return self.act(TakeBack(command_id=name), second)

    def direct(
        self, order: Block | Isolate | SelfTest, host: str = "host-7"
    ) -> tuple[ArchivedAct, list[Send], list[Alert]]:
        return self.act(Direct(host=host, order=order))

    def keep(self, effects: Iterable[Effect], report: Report | None = None) -> tuple[list[Send], list[Alert]]:
        work, sends = Work(), list[Send]()
        for effect in effects:
            if isinstance(effect, Send):
                sends.append(effect)
            else:
                work.add(effect)
        if report is not None:
            items = f"[{','.join('{}' for _ in report.items)}]"
            work.runs.append(Run(report.stream, report.first, len(report.items), at(0), items))
        with self.writer.transaction() as books:
            put_into_incidents(books, work.alerts, books.store(work.batch))
        return sends, work.alerts

    def close(self) -> None:
        self.reader.close()
        self.writer.close()


def _status(second: float, **changes: Any) -> Status:
    fields: dict[str, Any] = {"second": second, "facts": FACTS}
    return messages.status(**(fields | changes))


def hours(count: float) -> float:
    return timedelta(hours=count).total_seconds()
