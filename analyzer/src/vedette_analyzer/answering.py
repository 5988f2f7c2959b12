"""What an act leads to: done or not, a sentence for its author, and both as they are archived."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from vedette_archive import ArchivedAct
from vedette_schemas import Act


class NotDoneError(Exception):
    """An act leads to nothing; the text is for its author."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an act leads to: a sentence for its author, and the command, if any, whose end tells more."""

    words: str
    command_id: UUID | None = None


def answered(act: Act, token: str, now: datetime, came: Done | NotDoneError) -> ArchivedAct:
    """Return an act with its answer, as it is archived."""
    done = came if isinstance(came, Done) else None
    return ArchivedAct(
        id=act.id,
        issuer=act.author,
        at=now,
        kind=act.what.kind,
        done=done is not None,
        words=(done.words if done else str(came))[:1000],
        token=token,
        command_id=done.command_id if done else None,
    )
