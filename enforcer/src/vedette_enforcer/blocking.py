"""Blocking, isolating and undoing: the way that this system has."""

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from vedette_schemas import Outcome
from vedette_transport import BrokerAddress, Inbox

from .core import Task
from .ended import failed

_NOT_BUILT = "not built for this system yet"


class Acting(Protocol):
    """Carries out blocks, isolation and undoing in a thread of its own."""

    def start(self, inbox: Inbox) -> None:
        """Begin; outcomes come back through the inbox."""
        ...

    def take(self, task: Task, now: datetime) -> Outcome | None:
        """Carry out a task later; return the outcome at once only where that can't be."""
        ...

    def was_undone(self, id_: UUID) -> bool:
        """Tell whether this command was undone before it came."""
        ...

    def facts(self) -> Mapping[str, str]:
        """Say what can be done here, and what is in force."""
        ...


class NotActing:
    """Does none of it, and says why."""

    def __init__(self, why: str = _NOT_BUILT) -> None:
        """`why` is the end of a sentence."""
        self._why = why

    def start(self, inbox: Inbox) -> None:
        """Do nothing."""

    def take(self, task: Task, now: datetime) -> Outcome | None:
        """Say that it can't be done."""
        ended = failed(f"not done: {self._why}")
        return task.outcome(ended.status, ended.reason, now)

    def was_undone(self, id_: UUID) -> bool:  # noqa: ARG002
        """Know of none."""
        return False

    def facts(self) -> Mapping[str, str]:
        """Say that none of it can be done."""
        return dict.fromkeys(("block", "isolate", "undo"), f"off: {self._why}")


if sys.platform == "linux":
    from .acts import Acts

    def acting(
        journal: Path, never_touch: Path, broker: BrokerAddress, host: str, off: Mapping[str, str]
    ) -> Acting:
        """Return what blocks here; raise `SettingsError` where the settings are to blame."""
        return Acts(journal, never_touch, broker, host, off)

else:

    def acting(
        journal: Path,  # noqa: ARG001
        never_touch: Path,  # noqa: ARG001
        broker: BrokerAddress,  # noqa: ARG001
        host: str,  # noqa: ARG001
        off: Mapping[str, str],  # noqa: ARG001
    ) -> Acting:
        """Return what says that nothing can be blocked here."""
        return NotActing()
