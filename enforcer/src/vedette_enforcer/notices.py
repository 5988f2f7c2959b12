"""Notices to users: handed to the sessions of that user, done once one of them has shown it."""

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from vedette_schemas import MessageError, Notice, Notify, Outcome, OutcomeStatus, Shown, decode
from vedette_transport import Call, Client, Inbox

from .core import Task

log = logging.getLogger(__name__)

SECONDS_TO_SHOW = 5.0
_MOST_WAITING = 64


@dataclass(frozen=True, slots=True)
class Overdue:
    """Nobody has shown this notice in time."""

    notice: UUID


@dataclass(slots=True)
class _Waiting:
    task: Task
    asked: set[Client]
    problems: list[str] = field(default_factory=list[str])


class Notices:
    """The sessions that are connected, and the notices that they have not answered yet."""

    def __init__(self, inbox: Inbox, seconds_to_show: float = SECONDS_TO_SHOW) -> None:
        """`inbox` gets a `Call` of `Overdue` when a notice's time is over."""
        self._inbox, self._seconds = inbox, seconds_to_show
        self._sessions: frozenset[Client] = frozenset()  # replaced whole: other threads ask for `ability`
        self._waiting: dict[UUID, _Waiting] = {}
        self._cut_off = 0

    def ability(self) -> str:
        """Say whether anyone can be notified: `on`, or `off: why`."""
        return "on" if self._sessions else "off: no session connected"

    def joined(self, session: Client) -> None:
        """Know a session."""
        self._sessions |= {session}

    def left(self, session: Client, now: datetime) -> list[Outcome]:
        """Forget a session; it shows nothing any more."""
        self._sessions -= {session}
        asked = [id_ for id_, waiting in self._waiting.items() if session in waiting.asked]
        return [outcome for id_ in asked if (outcome := self._not_by(session, id_, "it left", now))]

    def show(self, task: Task, order: Notify, now: datetime) -> Outcome | None:
        """Hand a notice to the sessions of its user; `None` while their answers are awaited."""
        sessions = {session for session in self._sessions if session.uid == order.uid}
        if not sessions:
            return task.outcome(OutcomeStatus.FAILED, "no session of that user is connected", now)
        if len(self._waiting) >= _MOST_WAITING:
            return task.outcome(OutcomeStatus.FAILED, "too many notices wait to be shown", now)
        id_ = task.command.id
        self._waiting[id_] = _Waiting(task, sessions)
        for session in sessions:
            session.send(Notice(id=id_, title=order.title, text=order.text))
        timer = threading.Timer(self._seconds, self._inbox.put, [Call(Overdue(id_))])
        timer.daemon = True
        timer.start()
        return None

    def answered(self, session: Client, line: bytes, now: datetime) -> Outcome | None:
        """Take a session's answer; return the outcome if that settles it."""
        try:
            shown = decode(Shown, line)
        except MessageError as error:
            self._cut_off += 1
            if self._cut_off.bit_count() == 1:  # 1, 2, 4, 8, …: who comes again and again floods no log
                what = "a session of uid %d was cut off, the %d. of all since we started: %s"
                log.warning(what, session.uid, self._cut_off, error)
            session.cut()
            return None
        if shown.problem is not None:
            return self._not_by(session, shown.id, shown.problem, now)
        waiting = self._waiting.get(shown.id)
        if waiting is None or session not in waiting.asked:
            return None
        del self._waiting[shown.id]
        return waiting.task.outcome(OutcomeStatus.DONE, "shown to the user", now)

    def overdue(self, notice: UUID, now: datetime) -> Outcome | None:
        """Give a notice up, if it still waits."""
        waiting = self._waiting.pop(notice, None)
        if waiting is None:
            return None
        reason = f"no session of that user has shown it within {self._seconds:g} s"
        return waiting.task.outcome(OutcomeStatus.FAILED, reason, now)

    def _not_by(self, session: Client, notice: UUID, problem: str, now: datetime) -> Outcome | None:
        """Take it that this session can't show it; the others may."""
        waiting = self._waiting.get(notice)
        if waiting is None or session not in waiting.asked:
            return None
        waiting.asked.remove(session)
        waiting.problems.append(problem)
        if waiting.asked:
            return None
        del self._waiting[notice]
        reason = f"no session of that user could show it: {'; '.join(waiting.problems)}"
        return waiting.task.outcome(OutcomeStatus.FAILED, reason[:1_000], now)
