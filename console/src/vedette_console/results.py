"""What came of an act, in words and for machines."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from vedette_schemas import ActAnswer, Action, Alert, Approve, Direct, OutcomeStatus, TakeBack

from .lines import plain

REFUSED = "not done: the host refused: "
FAILED = "failed: "


class Came(StrEnum):
    """How an act ended; `unanswered` is what may still be done: it is under way."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNANSWERED = "unanswered"


class Result(NamedTuple):
    """How an act ended: a sentence for who acted, on which host, and the command it led to."""

    came: Came
    words: str
    host: str
    command_id: UUID | None = None

    def as_json(self) -> dict[str, object]:
        """Return it for machines."""
        name = None if self.command_id is None else str(self.command_id)
        return {"state": self.came, "host": self.host, "command_id": name, "words": self.words}


def result(what: Approve | TakeBack | Direct, host: str, answer: ActAnswer, alert: Alert | None) -> Result:
    """Return what came of an act on `host`; `alert` is the final one of the command that the answer names."""
    words = plain(answer.words, 1_000)
    if not answer.done:
        return Result(Came.REFUSED, words, host)
    if alert is None:
        return Result(Came.UNANSWERED, words, host, answer.command_id)
    came, said = _told(alert, plain(alert.done, 1_000))
    if alert.outcome is None and isinstance(what, TakeBack) and alert.action is not Action.UNDO:
        came, said = Came.DONE, words  # it waited, and no host had to be asked
    return Result(came, said, alert.host, answer.command_id)


def _told(alert: Alert, said: str) -> tuple[Came, str]:
    match alert.outcome:
        case OutcomeStatus.DONE:
            return Came.DONE, f"{alert.host}: {said}"
        case OutcomeStatus.REFUSED:
            return Came.REFUSED, f"refused by {alert.host}: {said.removeprefix(REFUSED)}"
        case OutcomeStatus.FAILED:
            return Came.FAILED, f"failed on {alert.host}: {said.removeprefix(FAILED)}"
        case _:  # it was taken back, or its time is over
            return Came.FAILED, f"{alert.host}: {said}"
