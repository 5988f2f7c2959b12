"""What the enforcer does at each event: commands in, acts, outcomes out."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from vedette_schemas import Notify, Order, Outcome, OutcomeStatus, SelfTest, Terminate
from vedette_transport import Call, Event, Inbox, Joined, Left, Line, Received

from .blocking import Acting, NotActing
from .core import Gate, Task
from .ended import Ended, failed
from .notices import Notices, Overdue
from .released import Releases
from .terminate import ability, terminate
from .workers import Workers

log = logging.getLogger(__name__)


class Enforcer:
    """Carries out what its gate lets through."""

    def __init__(
        self,
        gate: Gate,
        inbox: Inbox,
        term_seconds: float,
        end: Callable[[Terminate, float], Ended] = terminate,
        acts: Acting | None = None,
        releases: Releases | None = None,
    ) -> None:
        """`end` ends a program; it may take seconds, and runs in a thread of its own. `acts` blocks.

        `releases` knows what was told of those before.
        """
        self._gate, self._term_seconds, self._end = gate, term_seconds, end
        self._acts, self._releases = acts or NotActing(), releases or Releases()
        self._notices, self._workers = Notices(inbox), Workers(inbox)

    def facts(self) -> Mapping[str, str]:
        """Say what can and can't be done here, for the heartbeat."""
        return {
            "mode": self._gate.mode,
            "terminate": ability(),
            "notify": self._notices.ability(),
            "test": "on",
            **self._acts.facts(),
        }

    def handle(self, event: Event) -> list[Outcome]:
        """Act on an event; return the outcomes that are known by now."""
        now = datetime.now(UTC)
        outcome: Outcome | None = None
        match event:
            case Received():
                outcome = self._take(event.payload, now)
            case Call(result=Outcome(status=OutcomeStatus.RELEASED) as released):
                outcome = released if self._releases.is_new(released) else None
            case Call(result=Outcome() as settled):
                outcome = self._settled(settled)
            case Call(result=Overdue() as overdue):
                outcome = self._settled(self._notices.overdue(overdue.notice, now))
            case Line():
                outcome = self._settled(self._notices.answered(event.client, event.line, now))
                event.client.handled()
            case Joined():
                self._notices.joined(event.client)
            case Left():
                left = self._notices.left(event.client, now)
                for settled in left:
                    self._gate.settled(settled)
                return left
            case _:
                pass
        return [outcome] if outcome is not None else []

    def _take(self, payload: bytes | bytearray, now: datetime) -> Outcome | None:
        match self._gate.take(payload, now):
            case Task(command=command) as task:
                return self._settled(self._carry_out(task, command.order, now))
            case refused_or_repeated:
                return refused_or_repeated

    def _carry_out(self, task: Task, order: Order, now: datetime) -> Outcome | None:
        match order:
            case Terminate() | Notify() | SelfTest() if self._acts.was_undone(task.command.id):
                return task.outcome(OutcomeStatus.REFUSED, "not done: it was undone before it came", now)
            case Terminate():
                self._workers.run(lambda: self._terminate(task, order))
                return None
            case Notify():
                return self._notices.show(task, order, now)
            case SelfTest():
                return task.outcome(OutcomeStatus.DONE, "did nothing: this was a test", datetime.now(UTC))
            case _:
                return self._acts.take(task, now)

    def _settled(self, outcome: Outcome | None) -> Outcome | None:
        """Have the gate record it, to answer with when the command comes again."""
        if outcome is not None:
            self._gate.settled(outcome)
        return outcome

    def _terminate(self, task: Task, order: Terminate) -> Outcome:
        try:
            ended = self._end(order, self._term_seconds)
        except Exception:
            log.exception("a fault of the enforcer, not of the command")
            ended = failed("the enforcer has a fault; its log says which")
        return task.outcome(ended.status, ended.reason, datetime.now(UTC), ended.processes)
