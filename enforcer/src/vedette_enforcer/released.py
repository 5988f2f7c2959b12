"""What was released at the host's own console is told to the server: each release once."""

from datetime import UTC, datetime, timedelta

from vedette_schemas import Outcome, OutcomeStatus
from vedette_transport import Note

from .journal import KEPT, Entry
from .known import Notebook
from .words import described, ending, time

_NOTE = "released/"
_FORGOTTEN = KEPT + timedelta(days=1)
"""After this the journal doesn't know of it any more."""


def outcome_of(entry: Entry) -> Outcome:
    """Return what tells of a release."""
    at = entry.over_at or entry.expires_at
    return Outcome(
        seen_at=at,
        taken_at=entry.taken_at,
        command_id=entry.id,
        action=entry.act.action,
        status=OutcomeStatus.RELEASED,
        reason=f"{described(entry.act)} was released at the host's own console at {time(at)};"
        f" it would have ended at {ending(entry)}",
    )


def note_of(outcome: Outcome) -> Note | None:
    """Return the note that a release is told, to be kept with its outcome: both or neither."""
    if outcome.status is not OutcomeStatus.RELEASED:
        return None
    return Note(f"{_NOTE}{outcome.command_id}", outcome.seen_at.isoformat().encode())


class Releases:
    """Which releases were told, by this run of the program and those before."""

    def __init__(self, notebook: Notebook | None = None) -> None:
        """Go on from what is in the notebook."""
        self._told: set[str] = set()
        if notebook is None:
            return
        oldest = datetime.now(UTC) - _FORGOTTEN
        notes = {name: _time(value) for name, value in notebook.notes().items() if name.startswith(_NOTE)}
        old = [name for name, at in notes.items() if at < oldest]
        if old:
            notebook.remove_notes(old)
        self._told = notes.keys() - set(old)

    def is_new(self, outcome: Outcome) -> bool:
        """Tell, once, whether this release is still to be told."""
        name = f"{_NOTE}{outcome.command_id}"
        if name in self._told:
            return False
        self._told.add(name)
        return True


def _time(value: bytes) -> datetime:
    try:
        return datetime.fromisoformat(value.decode())
    except ValueError:  # such a note is none of ours
        return datetime.min.replace(tzinfo=UTC)
