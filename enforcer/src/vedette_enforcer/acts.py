"""The thread that blocks, isolates and undoes, one command at a time, and sees to what is in force."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from uuid import UUID

from vedette_schemas import Block, Isolate, Outcome, Undo
from vedette_transport import BrokerAddress, Call, Inbox

from .blocks import Blocks
from .browsers import Browsers
from .clock import system_clock
from .core import Task
from .ended import failed
from .hosts_file import HostsFile
from .journal import Journal, JournalError
from .lookout import Lookout
from .names_watch import NamesWatch
from .never_touch_file import read_never_touch
from .nft import Rules
from .part import Part
from .released import outcome_of
from .words import in_force

if sys.platform != "linux":
    raise ImportError("not built for this system yet")

import fcntl

log = logging.getLogger(__name__)

_PATIENCE = 10.0
_FOR_THE_BROKERS_NAME = 5.0
_AFTER_A_FAULT = 5.0


def all_parts() -> tuple[Part, ...]:
    """Return the parts of this system in which blocks stand."""
    return Rules(system_clock), HostsFile(), Browsers()


class Acts:
    """Takes tasks; their outcomes come back through the inbox."""

    def __init__(
        self, path: Path, never_touch: Path, broker: BrokerAddress, host: str, off: Mapping[str, str]
    ) -> None:
        """Open the journal at `path`; raise `SettingsError` where the settings are to blame.

        `off` says of an action why it is not to be done here at all.
        """
        self._tasks: SimpleQueue[Task] = SimpleQueue()
        self._off = off
        self._parts = all_parts()
        self._lookout = Lookout(broker, host)
        self._journal: Journal | None = None
        self._trouble = ""
        try:
            self._journal = Journal(path, system_clock)
        except JournalError as error:
            self._trouble = str(error)[:200]
            log.error("%s", error)  # noqa: TRY400 (its text is for who runs the host)
            self._facts = self._without_a_journal()
            return
        self._blocks = Blocks(
            self._journal,
            self._parts,
            around=self._lookout.around,
            never=lambda: read_never_touch(never_touch),
            lock=lambda: locked(path),
            clock=system_clock,
            resolved=NamesWatch(lambda: self._lookout.around().resolvers).resolved,
        )
        if self._journal.set_aside is not None:
            self._trouble = f"the old one was damaged and lies at {self._journal.set_aside}"
            log.error("%s: a new journal is begun: %s", path, self._trouble)
        self._facts = self._look_at_facts()

    def start(self, inbox: Inbox) -> None:
        """Put into force what the journal says, and go on with tasks."""
        if self._journal is not None:
            threading.Thread(target=self._work, args=(inbox,), name="acts", daemon=True).start()

    def take(self, task: Task, now: datetime) -> Outcome | None:
        """Carry out a task later; return the outcome at once only where that can't be."""
        order = task.command.order
        why = self._off.get(order.action)
        if why is None and self._journal is None:
            why = self._trouble
        if why is not None:
            ended = failed(f"not done: {why}")
            return task.outcome(ended.status, ended.reason, now)
        self._tasks.put(task)
        return None

    def was_undone(self, id_: UUID) -> bool:
        """Tell whether this command was undone before it came. For any thread."""
        return self._journal is not None and self._journal.is_buried(id_)

    def facts(self) -> Mapping[str, str]:
        """Say what can be blocked here, and what is. For any thread."""
        return self._facts

    def _work(self, inbox: Inbox) -> None:
        self._guarded(self._blocks.reconcile)
        while True:
            facts = self._look_at_facts()
            if facts != self._facts:
                self._facts = facts
                inbox.put(Call(None))  # so that the loop comes round, and tells it
            self._guarded(lambda: self._tell_released(inbox))
            try:
                task = self._tasks.get(timeout=self._pause())
            except Empty:
                self._guarded(self._blocks.look)
                continue
            inbox.put(Call(self._carry_out(task)))

    def _tell_released(self, inbox: Inbox) -> None:
        for entry in self._blocks.released():
            inbox.put(Call(outcome_of(entry)))

    def _pause(self) -> float:
        try:
            return self._blocks.seconds_to_look()
        except JournalError:
            return _AFTER_A_FAULT

    def _guarded(self, step: Callable[[], object]) -> None:
        """Take a step; a fault in it is no reason to give up all others."""
        try:
            step()
        except JournalError as error:
            log.error("%s", error)  # noqa: TRY400
            time.sleep(_AFTER_A_FAULT)
        except Exception:
            log.exception("a fault of the enforcer")
            time.sleep(_AFTER_A_FAULT)

    def _carry_out(self, task: Task) -> Outcome:
        id_, order = task.command.id, task.command.order
        try:
            match order:
                case Block() | Isolate():
                    if isinstance(order, Isolate):
                        self._lookout.wait(_FOR_THE_BROKERS_NAME)
                    ended = self._blocks.begin(id_, order, task.taken_at)
                case Undo():
                    ended = self._blocks.undo(order.command_id)
                case _:
                    ended = failed("it is no such order")
        except JournalError as error:
            ended = failed(f"not done: {error}")
        except Exception:
            log.exception("a fault of the enforcer, not of the command")
            ended = failed("the enforcer has a fault; its log says which")
        return task.outcome(ended.status, ended.reason, datetime.now(UTC))

    def _without_a_journal(self) -> Mapping[str, str]:
        off = f"off: {self._trouble}"[:300]
        return {"block": off, "isolate": off, "undo": off}

    def _look_at_facts(self) -> Mapping[str, str]:
        abilities: dict[str, str] = {}
        for part in self._parts:
            problem = self._blocks.problems.get(part.name)
            abilities[part.name] = f"off: {problem}" if problem else part.ability()
        isolate = abilities["addresses"]
        if isolate == "on" and not self._lookout.around().broker:
            isolate = "off: the broker's address is not known"
        facts = {
            "block": _block(abilities),
            "isolate": isolate,
            "undo": "on",
            "in_force": self._in_force(),
        } | {f"block {name}": ability for name, ability in abilities.items()}
        for action, why in self._off.items():
            facts |= {name: f"off: {why}" for name in facts if name.split()[0] == action}
        if self._blocks.put_right:
            facts["put right"] = f"{self._blocks.put_right} times, what others had changed"
        if self._trouble:
            facts["journal"] = f"new: {self._trouble}"
        return {name: fact[:300] for name, fact in facts.items()}

    def _in_force(self) -> str:
        try:
            live = self._blocks.live()
        except JournalError as error:
            return f"not known: {error}"
        return in_force(live)


def _block(abilities: Mapping[str, str]) -> str:
    on = [name for name, ability in abilities.items() if ability.startswith("on")]
    if len(on) == len(abilities):
        return "on"
    off = "; ".join(
        f"{name}: {abilities[name].removeprefix('off: ')}" for name in abilities if name not in on
    )
    return f"on: {', '.join(on)} (not {off})" if on else f"off: {off}"


@contextmanager
def locked(journal: Path) -> Generator[None]:
    """Keep others from putting the journal into force at the same time; who holds it too long is passed."""
    descriptor = os.open(f"{journal}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)
